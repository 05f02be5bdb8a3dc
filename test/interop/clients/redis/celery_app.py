"""Celery with Redis as broker and result store: BRPOP on many keys, PUBLISH inside MULTI, pub/sub for results."""
import os
import subprocess
import sys
import time
import traceback

from celery import Celery, chord, group

URL = f"redis://{os.environ['REDIS_HOST']}:{os.environ['REDIS_PORT']}"
app = Celery('celery_app', broker=f'{URL}/1', backend=f'{URL}/2')
app.conf.update(worker_prefetch_multiplier=4, broker_connection_retry_on_startup=True, task_default_queue='interop')


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=3)
def flaky(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0.05)
    return self.request.retries


def simple():
    assert add.delay(40, 2).get(timeout=20) == 42


def a_hundred_at_once():
    assert group(add.s(n, n) for n in range(100)).apply_async().get(timeout=30) == [2 * n for n in range(100)]


def chords():
    assert chord((add.s(n, 1) for n in range(10)), total.s()).apply_async().get(timeout=30) == 55


def retries():
    assert flaky.delay().get(timeout=20) == 2


def countdown():
    assert add.apply_async((1, 1), countdown=0.2).get(timeout=20) == 2


def priorities():
    assert add.apply_async((2, 2), priority=9).get(timeout=20) == 4


def inspection():
    assert list(app.control.inspect(timeout=3).ping().values()) == [{'ok': 'pong'}]


if __name__ == '__main__':
    here = os.path.dirname(os.path.abspath(__file__))
    command = [sys.executable, '-m', 'celery', '-A', 'celery_app', 'worker', '--pool=threads', '-c', '4', '--loglevel=warning']
    worker = subprocess.Popen(command, cwd=here, env={**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'})
    deadline = time.monotonic() + 40
    while not app.control.inspect(timeout=0.5).ping() and time.monotonic() < deadline:
        pass
    for body in (simple, a_hundred_at_once, chords, retries, countdown, priorities, inspection):
        name = body.__name__.replace('_', ' ')
        try:
            body()
            print(f'ok {name}', flush=True)
        except BaseException:
            why = ' | '.join(traceback.format_exc().strip().splitlines()[-3:])
            print(f'FAIL {name}\t{why}', flush=True)
    worker.kill()
    worker.wait()
    os._exit(0)
