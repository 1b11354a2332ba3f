"""`handlers.webhook` against a server that fails in every way."""

import importlib
import logging
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from handlers import HandlersError, Message, Registry, Reject, Retry
from handlers.posting import connections
from handlers.posting.connections import Connections
from handlers.posting.reach import Reach, reach
from handlers.posting.target import target
from handlers.registry import registry
from tests.integration.handlers.receiver import Receiver, receiving
from tests.ports import free_port

SECRET = "whsec_" + b64encode(b"invented for this test, 32 bytes").decode()
HIDDEN = ("hunter2", "T0KEN", "5ecret", "BUYER", "invented", SECRET[6:])
Make = Callable[..., ModuleType]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Iterator[Make]:
    """The module as a worker with these variables has it, in a registry of its own."""
    monkeypatch.setattr(registry, "_handlers", {})
    monkeypatch.setattr(registry, "_found", {})
    for name in [name for name in os.environ if name.startswith("TIDINGS_WEBHOOK_")]:
        monkeypatch.delenv(name)

    def made(**told: str) -> ModuleType:
        url = f"http://me:hunter2@127.0.0.1:{receiver.port}/T0KEN?sign=5ecret"
        for name, value in {"URL": url, "SECRET": SECRET, "ALLOW": "127.0.0.1", **told}.items():
            monkeypatch.setenv(f"TIDINGS_WEBHOOK_{name}", value)
        sys.modules.pop("handlers.webhook", None)
        return importlib.import_module("handlers.webhook")

    yield made
    sys.modules.pop("handlers.webhook", None)


def message(id_: str = "1", **more: object) -> Message:
    common = {"topic": "t", "account": "shop", "platform": "taobao", "content": '{"tid": 1, "nick": "BUYER"}'}
    return Message(id_, **{**common, "identity": f"app-{id_}", **more})  # type: ignore[arg-type]


def test_a_post_is_what_standard_webhooks_asks_for(make: Make, receiver: Receiver) -> None:
    webhook = make()
    webhook.post(message())
    (post,) = receiver.posts
    assert (post.path, post.headers["authorization"]) == ("/T0KEN?sign=5ecret", "Basic bWU6aHVudGVyMg==")
    assert post.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (post.headers["content-type"], post.headers["webhook-id"]) == ("application/json", "taobao-app-1")
    assert abs(int(post.headers["webhook-timestamp"]) - time.time()) < 5
    assert Webhook(SECRET).verify(post.body, post.headers)["data"]["content"] == {"tid": 1, "nick": "BUYER"}


@pytest.mark.parametrize("way", ["ok", "200", "chunked", "close", "old", "large", "slow", "twice", "early ok"])
def test_every_form_of_a_success_is_one(make: Make, receiver: Receiver, way: str) -> None:
    receiver.answers(way)
    webhook = make()
    for number in range(3):
        webhook.post(message(str(number)))
    assert [post.headers["webhook-id"] for post in receiver.posts] == ["taobao-app-0", "taobao-app-1", "taobao-app-2"]
    if way in ("ok", "200", "chunked", "slow", "early ok"):
        assert receiver.connections == 1


FAILURES = {
    "500": "answered 500",
    "429": "answered 429",
    "429 date": "answered 429",
    "404": "answered 404",
    "301": "answered 301: redirects are not followed",
    "cut": "gave no answer: RemoteDisconnected",
    "half": "gave no answer: BadStatusLine",
    "garbage": "gave no answer: BadStatusLine",
    "bad head": "gave no answer: LineTooLong",
    "upgrade": "answered 101",
    "early": "did not answer within 0.5 s",
    "never": "did not answer within 0.5 s",
    "trickle": "did not answer within 0.5 s",
}


@pytest.mark.parametrize(("way", "said"), FAILURES.items())
def test_every_failure_is_tried_again_under_the_same_id_and_tells_no_secret(
    make: Make,
    receiver: Receiver,
    way: str,
    said: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers(way, "ok")
    webhook = make()
    if way in ("never", "trickle", "early"):
        monkeypatch.setattr(webhook, "LONGEST_SECONDS", 0.5)
    start = time.monotonic()
    with pytest.raises(Retry) as caught:
        webhook.post(message())
    assert time.monotonic() - start < 15
    assert caught.value.reason == f"http://127.0.0.1:{receiver.port} {caught.value.reason.split(' ', 1)[1]}"
    assert said in caught.value.reason
    assert caught.value.delay == (1.0 if way.startswith("429") else None)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    monkeypatch.setattr(webhook, "LONGEST_SECONDS", 15.0)
    webhook.post(message())
    first, second = receiver.posts
    assert receiver.connections == (1 if way in ("500", "429", "429 date", "404", "301") else 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert not [word for word in HIDDEN if word in caplog.text + str(caught.value)]


@pytest.mark.parametrize("way", ["410", "422"])
def test_what_no_retry_can_mend_is_rejected(make: Make, receiver: Receiver, way: str) -> None:
    receiver.answers(way)
    with pytest.raises(Reject, match=f"answered {way}"):
        make().post(message())


def test_nobody_there_is_a_failure_that_says_so(make: Make) -> None:
    webhook = make(URL=f"http://127.0.0.1:{free_port()}/T0KEN")
    with pytest.raises(Retry, match="Connection refused"):
        webhook.post(message())


def test_a_connection_that_was_closed_meanwhile_costs_no_try(make: Make, receiver: Receiver) -> None:
    """Also where the close is on its way: the kept connection fails, and a new one is made at once."""
    webhook = make()
    webhook.post(message("1"))
    receiver.answers("cut", "ok")
    webhook.post(message("2"))
    assert [(post.headers["webhook-id"], post.way) for post in receiver.posts[1:]] == [
        ("taobao-app-2", "cut"),
        ("taobao-app-2", "ok"),
    ]


def test_what_was_said_without_being_asked_is_nobodys_answer(make: Make, receiver: Receiver) -> None:
    """An answer too many, kept with its connection, would stand for the next message's, which nobody has taken."""
    made = Connections(reach(["127.0.0.1"], {"TIDINGS_REDIS_URL": "unix:///x"}, "V"))
    answered, said = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            first, _ = server.accept()
            first.recv(65536)
            first.sendall(b"HTTP/1.1 204 X\r\n\r\n")
            answered.wait(20)
            first.sendall(b"HTTP/1.1 204 X\r\n\r\n")
            said.set()
            second, _ = server.accept()
            second.recv(65536)
            second.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        whom = target(f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert made.post(whom, {}, b"", 5).status == 204
        answered.set()
        assert said.wait(20)
        assert made.post(whom, {}, b"", 5).status == 500


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_a_certificate_is_asked_for_the_name_in_the_url(
    make: Make, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=x -addext"
    subprocess.run([*made.split(), "subjectAltName=DNS:localhost"], cwd=tmp_path, check=True, capture_output=True)
    receiver.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    receiver.tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    names: list[str | None] = []
    receiver.tls.sni_callback = lambda _socket, name, _context: names.append(name)
    connections.tls.cache_clear()
    webhook = make(URL=f"https://localhost:{receiver.port}/T0KEN", ALLOW="localhost,127.0.0.1")
    with pytest.raises(Retry, match="its certificate is refused: self-signed"):
        webhook.post(message())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    connections.tls.cache_clear()
    for _ in range(3):
        webhook.post(message())
    with pytest.raises(Retry, match="its certificate is refused: IP address mismatch"):
        webhook.post(message(extra={"webhook_url": f"https://127.0.0.1:{receiver.port}/"}))
    assert (len(receiver.posts), names[:2]) == (3, ["localhost", "localhost"])
    assert receiver.connections == 3
    connections.tls.cache_clear()


def test_an_accounts_own_address_comes_first(make: Make, receiver: Receiver) -> None:
    webhook = make(URL="accounts")
    for extra, said in [
        ({}, "the account has no extra.webhook_url, and TIDINGS_WEBHOOK_URL=accounts leaves it to each: write https"),
        ({"webhook_url": 1}, "scheme"),
        ({"webhook_url": "http://10.0.0.1/"}, "no public"),
    ]:
        with pytest.raises(Retry, match=said):
            webhook.post(message(extra=extra))
    webhook.post(message(extra={"webhook_url": f"http://127.0.0.1:{receiver.port}/own"}))
    assert [post.path for post in receiver.posts] == ["/own"]


def test_an_accounts_own_secret_signs_its_posts(make: Make, receiver: Receiver) -> None:
    own = "whsec_" + b64encode(b"of one shop alone, also 32 bytes").decode()
    webhook = make()
    webhook.post(message(extra={"webhook_secret": own}))
    (post,) = receiver.posts
    assert Webhook(own).verify(post.body, post.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(post.body, post.headers)
    with pytest.raises(Retry, match=r"extra\.webhook_secret of the account: write whsec_") as caught:
        webhook.post(message(extra={"webhook_secret": "hunter2"}))
    assert "hunter2" not in str(caught.value)


def test_the_receiver_may_go_on_with_the_trace(make: Make, receiver: Receiver) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    webhook = make()
    webhook.post(message(traceparent=trace))
    webhook.post(message())
    assert [post.headers.get("traceparent") for post in receiver.posts] == [trace, None]


def test_time_is_taken_from_the_messages_deadline(make: Make, receiver: Receiver) -> None:
    receiver.answers("never")
    with pytest.raises(Retry, match=r"within 0\.2\d* s"):
        make().post(message(ends=time.monotonic() + 0.3))


@pytest.mark.parametrize(
    "url", ["http://localhost:{}/", "http://127.1:{}/", "http://[::ffff:127.0.0.1]:{}/", "http://0:{}/"]
)
def test_nothing_reaches_what_is_not_allowed(
    make: Make, receiver: Receiver, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{receiver.port}")
    webhook = make(URL="accounts", ALLOW="")
    with pytest.raises(Retry, match=r"no public address: if it is meant, name .* in TIDINGS_WEBHOOK_ALLOW"):
        webhook.post(message(extra={"webhook_url": url.format(receiver.port)}))
    assert receiver.connections == 0


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"URL": ""}, "TIDINGS_WEBHOOK_URL is not set: write https://"),
        ({"URL": "shop.example/T0KEN"}, "TIDINGS_WEBHOOK_URL: its scheme is neither http nor https: write"),
        (
            {"ALLOW": ""},
            r"TIDINGS_WEBHOOK_URL: 127\.0\.0\.1 is no public address: if it is meant, name 127\.0\.0\.1 in",
        ),
        ({"URL": "http://2130706433/T0KEN", "ALLOW": ""}, "no public address"),
        ({"SECRET": ""}, "TIDINGS_WEBHOOK_SECRET is not set: write whsec_"),
        ({"SECRET": "hunter2"}, "TIDINGS_WEBHOOK_SECRET: write whsec_"),
        ({"SECRET": "env:NOWHERE"}, "TIDINGS_WEBHOOK_SECRET: env: is followed by"),
        ({"ALLOW": "10.0.0.0/99"}, "TIDINGS_WEBHOOK_ALLOW: '10"),
        ({"TOPIC": "x"}, "TIDINGS_WEBHOOK_TOPIC is no setting: there are"),
        ({"TOPICS": ","}, "needs a topic"),
    ],
)
def test_wrong_settings_are_errors_that_say_what_to_write(make: Make, told: dict[str, str], said: str) -> None:
    with pytest.raises(HandlersError, match=said) as caught:
        make(**told)
    assert not [word for word in HIDDEN if word in str(caught.value)]


def test_topics_are_chosen_and_an_exact_one_of_the_users_wins(make: Make) -> None:
    @registry.handles("taobao_trade_TradeCreate")
    def on_created(content: dict[str, object]) -> None: ...

    make(TOPICS="taobao_trade_*, exact")
    found = {topic: registry.find(topic) for topic in ("taobao_trade_TradeCreate", "taobao_trade_X", "exact", "other")}
    told = {topic: handler and handler.function.__name__ for topic, handler in found.items()}
    assert told == {"taobao_trade_TradeCreate": "on_created", "taobao_trade_X": "post", "exact": "post", "other": None}


def test_threads_share_it_and_a_forked_process_begins_with_no_connection(make: Make, receiver: Receiver) -> None:
    webhook = make()
    threads = [threading.Thread(target=webhook.post, args=(message(f"{n}-{m}"),)) for n in range(10) for m in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if (child := os.fork()) == 0:
        try:
            webhook.post(message("child"))
        finally:
            os._exit(0 if receiver.posts is not None else 1)
    os.waitpid(child, 0)
    before = receiver.connections
    for _ in range(20):
        webhook.post(message("parent"))
    ids = [post.headers["webhook-id"] for post in receiver.posts]
    assert len(set(ids)) == 52
    assert receiver.connections == before <= 51


def test_no_more_connections_are_kept_than_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_IDLE", 2)
    made = Connections(Reach(networks=reach(["127.0.0.0/8"], {}, "V").networks))
    with receiving() as first, receiving() as second, receiving() as third:
        for each in (first, second, third, third, second, first):
            made.post(target(f"http://127.0.0.1:{each.port}/"), {}, b"", 5)
        assert [each.connections for each in (first, second, third)] == [2, 1, 1]


def test_a_registry_is_untouched_by_its_helpers() -> None:
    assert not [handler for handler in Registry() if handler.boxed]
