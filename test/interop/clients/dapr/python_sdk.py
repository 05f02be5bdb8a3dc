"""Dapr's Python SDK, unchanged: its probe at the start, configuration, locks, secrets, pub/sub by publishing and by streams."""

import json
import os
import queue
import sys
import threading
import time
import traceback
import uuid
import warnings

import grpc
from dapr.clients import DaprClient
from dapr.clients.exceptions import DaprGrpcError
from dapr.clients.grpc._response import TopicEventResponse, UnlockResponseStatus
from dapr.clients.health import DaprHealth
from dapr.conf import settings

warnings.simplefilter("ignore")
SECONDS = 15
CASES = []


def case(name):
    def add(body):
        CASES.append((name, body))
        return body

    return add


def unique(name):
    return f"{name}-{uuid.uuid4()}"


def write(key, value):
    """Dapr's API cannot write configuration: Layotto's can, whose request is put together from its fields here."""

    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    item = field(1, key.encode()) + field(2, value.encode())
    request = field(1, b"configuration") + field(2, b"app") + field(3, item)
    with grpc.insecure_channel(os.environ["DAPR_GRPC_ENDPOINT"]) as channel:
        channel.unary_unary("/spec.proto.runtime.v1.Runtime/SaveConfiguration")(request)


@case("start: the sidecar is waited for by /v1.0/healthz/outbound")
def _(client):
    DaprHealth.wait_for_sidecar()


@case("metadata: components and values of the application")
def _(client):
    client.set_metadata("from", "python")
    told = client.get_metadata()
    assert told.extended_metadata["from"] == "python", told.extended_metadata
    names = {each.name for each in told.registered_components}
    assert {"configuration", "locks", "secrets", "pubsub"} <= names, names


@case("configuration: get")
def _(client):
    key = unique("key")
    write(key, "value")
    items = client.get_configuration("configuration", [key, unique("absent")]).items
    assert list(items) == [key], items
    assert items[key].value == "value", items[key]


@case("configuration: subscribe (SubscribeConfigurationAlpha1) and unsubscribe")
def _(client):
    key, events = unique("key"), queue.Queue()
    write(key, "before")
    # The SDK calls back with the subscription and the items of an event.
    identity = client.subscribe_configuration("configuration", [key], lambda _, told: events.put(told.items))
    write(unique("other"), "not told")
    write(key, "after")
    items = events.get(timeout=SECONDS)
    assert items[key].value == "after", items
    assert client.unsubscribe_configuration("configuration", identity)
    write(key, "later")
    try:
        raise AssertionError(events.get(timeout=0.5))
    except queue.Empty:
        pass


@case("configuration: an unknown store is an error")
def _(client):
    expect(lambda: client.get_configuration("nowhere", ["key"]), "not found")


@case("lock: try and unlock, statuses")
def _(client):
    name = unique("lock")
    assert client.try_lock("locks", name, "me", 60).success
    assert not client.try_lock("locks", name, "you", 60).success
    status = lambda owner: client.unlock("locks", name, owner).status
    assert status("you") == UnlockResponseStatus.lock_belongs_to_others
    assert status("me") == UnlockResponseStatus.success
    assert status("me") == UnlockResponseStatus.lock_does_not_exist


@case("lock: as a context")
def _(client):
    name = unique("lock")
    with client.try_lock("locks", name, "me", 60) as lock:
        assert lock
        assert not client.try_lock("locks", name, "you", 60)
    assert client.try_lock("locks", name, "you", 60)


@case("lock: free again after its time")
def _(client):
    name = unique("lock")
    assert client.try_lock("locks", name, "me", 1).success
    deadline = time.monotonic() + SECONDS
    while not client.try_lock("locks", name, "you", 60).success:
        assert time.monotonic() < deadline, "it is still held"
        time.sleep(0.1)


@case("secrets: one and all")
def _(client):
    assert dict(client.get_secret("secrets", "ONE").secret) == {"ONE": "1"}
    assert client.get_bulk_secret("secrets").secrets == {"ONE": {"ONE": "1"}, "TWO": {"TWO": "2"}}


@case("secrets: an absent one is an error")
def _(client):
    expect(lambda: client.get_secret("secrets", "ABSENT"), "ABSENT")


@case("publish and subscribe by a stream")
def _(client):
    topic = unique("topic")
    subscription = client.subscribe("pubsub", topic)
    try:
        client.publish_event("pubsub", topic, json.dumps({"a": 1}), data_content_type="application/json")
        client.publish_event("pubsub", topic, "text", data_content_type="text/plain")
        got = []
        while len(got) < 2:
            message = subscription.next_message()
            got.append(message.data())
            assert (message.topic(), message.pubsub_name()) == (topic, "pubsub")
            subscription.respond_success(message)
        assert {"a": 1} in got and "text" in got, got
    finally:
        subscription.close()


@case("a handler that wants a message again gets it again, one that drops it does not")
def _(client):
    topic, got, done = unique("topic"), [], threading.Event()

    def handle(message):
        got.append(message.data())
        if message.data() == "drop":
            return TopicEventResponse("drop")
        if got.count("again") < 3:
            return TopicEventResponse("retry")
        done.set()
        return TopicEventResponse("success")

    close = client.subscribe_with_handler("pubsub", topic, handle)
    try:
        client.publish_event("pubsub", topic, "drop", data_content_type="text/plain")
        client.publish_event("pubsub", topic, "again", data_content_type="text/plain")
        assert done.wait(SECONDS), got
        assert got.count("drop") == 1 and got.count("again") == 3, got
    finally:
        close()


@case("what is dropped goes to the dead letters")
def _(client):
    topic, dead = unique("topic"), unique("dead")
    letters = client.subscribe("pubsub", dead)
    close = client.subscribe_with_handler(
        "pubsub", topic, lambda _: TopicEventResponse("drop"), dead_letter_topic=dead
    )
    try:
        client.publish_event("pubsub", topic, "unwanted", data_content_type="text/plain")
        message = letters.next_message()
        assert message.data() == "unwanted", message.data()
        letters.respond_success(message)
    finally:
        close()
        letters.close()


@case("publish in bulk")
def _(client):
    topic = unique("topic")
    subscription = client.subscribe("pubsub", topic)
    try:
        answer = client.publish_events("pubsub", topic, ["1", "2", "3"], data_content_type="text/plain")
        assert answer.failed_entries == [], answer.failed_entries
        got = set()
        while len(got) < 3:
            message = subscription.next_message()
            got.add(message.data())
            subscription.respond_success(message)
        assert got == {"1", "2", "3"}, got
    finally:
        subscription.close()


@case("publish without an envelope")
def _(client):
    topic = unique("topic")
    subscription = client.subscribe("pubsub", topic, metadata={"rawPayload": "true"})
    try:
        client.publish_event("pubsub", topic, "bare", publish_metadata={"rawPayload": "true"})
        message = subscription.next_message()
        assert message.raw_data() == b"bare", message.raw_data()
        subscription.respond_success(message)
    finally:
        subscription.close()


@case("publish to an unknown component is an error")
def _(client):
    expect(lambda: client.publish_event("nowhere", "topic", "data"), "nowhere")


@case("state: the answer names the listeners to use")
def _(client):
    expect(lambda: client.get_state("store", "key"), "redis or mysql listener")


@case("token: a call with it, and one without it")
def _(_client):
    # With a token the SDK cannot subscribe to configuration: it does not show it there, which daprd refuses as well.
    address = os.environ["INTEROP_GUARDED"]
    with DaprClient(address) as stranger:
        expect(stranger.get_metadata, "api token")
    settings.DAPR_API_TOKEN = os.environ["INTEROP_TOKEN"]
    try:
        with DaprClient(address) as friend:
            assert friend.get_metadata().registered_components
            topic = unique("topic")
            subscription = friend.subscribe("pubsub", topic)
            friend.publish_event("pubsub", topic, "guarded", data_content_type="text/plain")
            assert subscription.next_message().data() == "guarded"
            subscription.close()
    finally:
        settings.DAPR_API_TOKEN = None


def expect(call, words):
    try:
        call()
    except (DaprGrpcError, grpc.RpcError) as error:
        assert words in str(error), error
    else:
        raise AssertionError("no error")


def main():
    with DaprClient() as client:
        for name, body in CASES:
            if os.environ.get("INTEROP_CASE") not in (None, name):
                continue
            try:
                body(client)
                print(f"ok {name}")
            except Exception:
                why = traceback.format_exc().strip().replace("\n", " | ")
                print(f"FAIL {name}\t{why[-600:]}")
    sys.stdout.flush()
    # Threads of the SDK that still wait for a stream must not hold up the end.
    os._exit(0)


main()
