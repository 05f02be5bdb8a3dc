"""redis-py as an application uses it, with its defaults."""
import os
import threading
import time
import traceback

import redis

HOST = os.environ['REDIS_HOST']
PORT = int(os.environ['REDIS_PORT'])
AUTH_PORT = int(os.environ['REDIS_AUTH_PORT'])
RESP = {'protocol': int(os.environ['INTEROP_RESP'])} if os.environ.get('INTEROP_RESP') else {}
CASES = []


def case(body):
    CASES.append(body)
    return body


def client(**options):
    return redis.Redis(**{'host': HOST, 'port': PORT, 'socket_timeout': 20, **RESP, **options})


def until(condition):
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, 'the condition never held'
        time.sleep(0.005)


def blocked(other, count):
    until(lambda: other.info('clients')['blocked_clients'] == count)


@case
def connect():
    r = client()
    assert r.ping() is True
    assert r.info()['redis_mode'] == 'standalone'
    assert r.role()[0] in (b'master', 'master')


@case
def connect_by_url_with_name():
    r = redis.from_url(f'redis://{HOST}:{PORT}/3', client_name='interop', decode_responses=True)
    assert r.client_getname() == 'interop'
    assert any(one['name'] == 'interop' and one['db'] == '3' for one in r.client_list())
    assert r.client_info()['name'] == 'interop'


@case
def password_of_the_default_user():
    assert client(port=AUTH_PORT, password='secret').set('k', 'v') is True


@case
def user_and_password():
    assert client(port=AUTH_PORT, username='app', password='app-secret').set('k', 'v') is True


@case
def wrong_password():
    try:
        client(port=AUTH_PORT, password='wrong').ping()
    except redis.AuthenticationError as error:
        assert 'WRONGPASS' in str(error) or 'invalid' in str(error), error
    else:
        raise AssertionError('was let in')


@case
def no_password():
    try:
        client(port=AUTH_PORT).get('k')
    except redis.AuthenticationError:
        pass
    else:
        raise AssertionError('was let in')


@case
def strings():
    r = client()
    assert r.set('s', b'\x00\r\n\xff') is True
    assert r.get('s') == b'\x00\r\n\xff'
    assert r.incr('n', 41) == 41
    assert r.mget('s', 'missing') == [b'\x00\r\n\xff', None]
    assert r.set('s', 'x', px=10000, nx=True) is None
    assert r.getex('s', ex=10) == b'\x00\r\n\xff'
    assert r.delete('s', 'missing') == 1


@case
def other_types():
    r = client(decode_responses=True)
    r.hset('h', mapping={'a': 1, 'b': 2})
    assert r.hgetall('h') == {'a': '1', 'b': '2'}
    r.zadd('z', {'one': 1.5, 'two': 2})
    assert r.zscore('z', 'one') == 1.5
    assert [tuple(pair) for pair in r.zrange('z', 0, -1, withscores=True)] == [('one', 1.5), ('two', 2.0)]
    r.sadd('set', 'x', 'y')
    assert set(r.smembers('set')) == {'x', 'y'}
    assert r.config_get('maxmemory') == {'maxmemory': '0'}
    assert 'get' in {name.lower() for name in r.command()}
    assert r.object('encoding', 'h') in ('listpack', 'ziplist')
    assert r.memory_usage('h') > 0


@case
def errors():
    r = client()
    r.rpush('list', 'a')
    for arguments, text in (
        (('GET', 'list'), 'WRONGTYPE|Operation against a key'),
        (('NOSUCH', 'a'), "unknown command 'NOSUCH', with args beginning with: 'a'"),
        (('GET',), "wrong number of arguments for 'get' command"),
    ):
        try:
            r.execute_command(*arguments)
        except redis.ResponseError as error:
            assert any(part in str(error) for part in text.split('|')), error
        else:
            raise AssertionError(arguments)
    assert r.echo('still here') == b'still here'


@case
def pipeline_of_1000():
    r = client()
    pipe = r.pipeline(transaction=False)
    for i in range(1000):
        pipe.set(f'p{i}', i).get(f'p{i}')
    replies = pipe.execute()
    assert replies == [value for i in range(1000) for value in (True, str(i).encode())]


@case
def transaction_of_1000():
    r = client()
    pipe = r.pipeline()
    for _ in range(1000):
        pipe.incr('t')
    assert pipe.execute() == list(range(1, 1001))


@case
def transaction_with_an_error():
    r = client()
    r.set('m', 'text')
    pipe = r.pipeline()
    pipe.incr('m').get('m')
    replies = pipe.execute(raise_on_error=False)
    assert 'not an integer' in str(replies[0]) and replies[1] == b'text'
    pipe.execute_command('SET', 'm')
    pipe.get('m')
    try:
        pipe.execute()
    except redis.ResponseError as error:
        assert 'wrong number of arguments' in str(error) or 'EXECABORT' in str(error), error
    else:
        raise AssertionError('was executed')
    assert r.get('m') == b'text'


@case
def watch_conflict():
    r, other = client(), client()
    with r.pipeline() as pipe:
        pipe.watch('w')
        other.set('w', 1)
        pipe.multi()
        pipe.set('w', 2)
        try:
            pipe.execute()
        except redis.WatchError:
            pass
        else:
            raise AssertionError('no conflict')
    assert r.get('w') == b'1'


@case
def watch_optimistic_loops_of_threads():
    r = client()

    def step(pipe):
        current = int(pipe.get('counter') or 0)
        pipe.multi()
        pipe.set('counter', current + 1)

    def work():
        for _ in range(20):
            r.transaction(step, 'counter')

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert r.get('counter') == b'100'


@case
def blpop_timeout():
    r = client()
    assert r.blpop('empty', timeout=0.05) is None
    assert r.ping()


@case
def blpop_push_from_another_client():
    r, other = client(), client()
    got = []
    thread = threading.Thread(target=lambda: got.append(r.blpop(['q1', 'q2'], timeout=0)))
    thread.start()
    blocked(other, 1)
    other.rpush('q2', 'job')
    thread.join()
    assert [tuple(one) for one in got] == [(b'q2', b'job')]


@case
def xreadgroup_block():
    r, other = client(), client()
    r.xgroup_create('stream', 'g', id='$', mkstream=True)
    assert not r.xreadgroup('g', 'c', {'stream': '>'}, block=20)
    got = []
    thread = threading.Thread(target=lambda: got.append(r.xreadgroup('g', 'c', {'stream': '>'}, block=0)))
    thread.start()
    blocked(other, 1)
    entry = other.xadd('stream', {'field': 'value'})
    thread.join()
    assert entry.decode() in repr(got) and 'value' in repr(got)
    assert r.xack('stream', 'g', entry) == 1
    assert r.xinfo_stream('stream')['length'] == 1


def message_of(pubsub, kind):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        message = pubsub.get_message(timeout=1)
        if message and message['type'] == kind:
            return message
    raise AssertionError(f'no {kind}')


@case
def subscribe_and_publish():
    r, p = client(), client().pubsub()
    p.subscribe('news', 'sport')
    assert [message_of(p, 'subscribe')['data'] for _ in range(2)] == [1, 2]
    p.psubscribe('n*')
    assert message_of(p, 'psubscribe')['data'] == 3
    assert r.publish('news', 'a') == 2
    assert {message_of(p, 'message')['data'], message_of(p, 'pmessage')['data']} == {b'a'}
    p.unsubscribe('news')
    assert message_of(p, 'unsubscribe')['data'] == 2
    p.punsubscribe()
    assert message_of(p, 'punsubscribe')['data'] == 1
    assert r.publish('news', 'b') == 0
    p.ping('are you there')
    assert message_of(p, 'pong')['data'] == b'are you there'
    p.unsubscribe()
    assert message_of(p, 'unsubscribe')['data'] == 0


@case
def subscriber_thread():
    r, p = client(), client().pubsub()
    got = []
    p.subscribe(**{'thread': lambda message: got.append(message['data'])})
    thread = p.run_in_thread(sleep_time=0.01)
    until(lambda: r.publish('thread', 'x') == 1)
    until(lambda: got)
    thread.stop()
    thread.join()


@case
def sharded_channels():
    r, p = client(), client().pubsub()
    p.ssubscribe('shard')
    assert message_of(p, 'ssubscribe')['data'] == 1
    assert r.execute_command('SPUBLISH', 'shard', 'x') == 1
    assert message_of(p, 'smessage')['data'] == b'x'
    p.sunsubscribe('shard')
    assert message_of(p, 'sunsubscribe')['data'] == 0


@case
def lua():
    r = client()
    r.script_flush()
    assert r.eval('return KEYS[1]..ARGV[1]', 1, 'k', 'v') == b'kv'
    try:
        r.evalsha('0' * 40, 0)
    except redis.exceptions.NoScriptError:
        pass
    else:
        raise AssertionError('no NOSCRIPT')
    twice = r.register_script('return redis.call("INCRBY", KEYS[1], ARGV[1] * 2)')
    assert twice(keys=['lua-n'], args=[4]) == 8
    r.script_flush()
    pipe = r.pipeline()
    twice(keys=['lua-n'], args=[1], client=pipe)
    assert pipe.execute() == [10]


@case
def lock():
    r = client()
    with r.lock('lock', timeout=5):
        assert r.lock('lock', timeout=5).acquire(blocking=False) is False
    assert r.lock('lock', timeout=5).acquire(blocking=False) is True


@case
def scan():
    r = client(db=3)
    r.mset({f'scan:{i}': i for i in range(1000)})
    assert len(set(r.scan_iter('scan:*', count=100))) == 1000
    r.flushdb()


def round_trip(length):
    r = client()
    value = bytes(range(251)) * (length // 251 + 1)
    r.set('big', value)
    assert r.get('big') == value
    pipe = r.pipeline(transaction=False)
    pipe.get('big').get('small').get('big')
    assert pipe.execute() == [value, None, value]


@case
def value_of_1_MB():
    round_trip(1 << 20)


@case
def value_of_20_MB():
    round_trip(20 << 20)


@case
def select_databases_stay_apart():
    zero, five = client(), client(db=5)
    zero.set('db', 'zero')
    five.set('db', 'five')
    assert (zero.get('db'), five.get('db')) == (b'zero', b'five')
    single = client(single_connection_client=True)
    single.execute_command('SELECT', 5)
    assert single.get('db') == b'five'


@case
def reconnect_after_client_kill():
    r, other = client(db=2, client_name='victim'), client()
    r.set('kept', 'yes')
    assert other.client_kill_filter(_id=r.client_id()) == 1
    assert r.get('kept') == b'yes'
    assert r.client_getname() in ('victim', b'victim')


@case
def monitor():
    r, other = client(), client()
    with r.monitor() as lines:
        other.set('monitored', 'x')
        for command in lines.listen():
            if 'monitored' in command['command']:
                assert command['command'] == 'SET monitored x'
                assert command['db'] == 0
                break


@case
def client_tracking():
    # redis-py's own cache wants a server of 7.4 or later, so this is its protocol by hand.
    r, other = client(protocol=3), client()
    connection = r.connection_pool.get_connection() if redis.VERSION[0] > 5 else r.connection_pool.get_connection('_')
    for command in (('CLIENT', 'TRACKING', 'on'), ('GET', 'tracked')):
        connection.send_command(*command)
        connection.read_response()
    seen = []
    parser = connection._parser
    hook = 'set_invalidation_push_handler'
    getattr(parser, hook)(lambda message: seen.append(message))
    other.set('tracked', 1)
    until(lambda: (connection.send_command('PING'), connection.read_response()) and seen)
    assert b'tracked' in seen[0][1], seen


@case
def asyncio_client():
    import asyncio
    import redis.asyncio as aredis

    async def main():
        r = aredis.Redis(host=HOST, port=PORT, **RESP)
        await asyncio.gather(*(r.set(f'async{i}', i) for i in range(100)))
        assert await asyncio.gather(*(r.get(f'async{i}') for i in range(100))) == [str(i).encode() for i in range(100)]
        async with r.pipeline(transaction=True) as pipe:
            assert await pipe.set('x', 1).incr('x').execute() == [True, 2]
        await (r.aclose() if hasattr(r, 'aclose') else r.close())

    asyncio.run(main())


@case
def fifty_threads():
    r = client()
    wrong = []

    def work(me):
        for n in range(20):
            r.set(f'c{me}', n)
            if r.get(f'c{me}') != str(n).encode():
                wrong.append(me)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


for body in CASES:
    name = body.__name__.replace('_', ' ')
    try:
        body()
        print(f'ok {name}')
    except BaseException:
        why = ' | '.join(traceback.format_exc().strip().splitlines()[-3:])
        print(f'FAIL {name}\t{why}')
os._exit(0)
