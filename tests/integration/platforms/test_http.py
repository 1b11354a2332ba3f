"""The clients over real HTTP on loopback, against a server that does whatever a test tells it to."""

import gzip
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tasks.accounts import TaobaoAccount, TaobaoGateway, VvtoolAccount, VvtoolGateway
from tasks.platforms import (
    BadRequest,
    Keep,
    MalformedReply,
    PlatformError,
    Reply,
    Throttled,
    Transient,
    Unauthorised,
    Unavailable,
    connections,
    http,
)
from tasks.platforms.clients import client_for
from tasks.settings import settings
from tests.integration.platforms.scripted_server import Script, Server, reply, serving

EMPTY = b'{"tmc_messages_consume_response":{"request_id":"r"}}'


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers like an empty queue of Taobao's until a test gives it another script."""
    with serving(reply(EMPTY)) as told:
        yield told


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time limits short enough to be waited for: 0.3 s a read, so 1.2 s a reply."""
    monkeypatch.setenv("TIDINGS_CONNECT_SECONDS", "0.3")
    monkeypatch.setenv("TIDINGS_READ_SECONDS", "0.3")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def pull(url: str) -> Reply:
    gateway = TaobaoGateway(name="tb", app_key="12345678", app_secret="helloworld", url=url)
    return client_for(gateway).pull(TaobaoAccount(name="shop-1", gateway=gateway))


def pull_vvtool(url: str, keep: Keep | None = None) -> Reply:
    gateway = VvtoolGateway(name="vv", token="test-token", url=url)
    return client_for(gateway).pull(VvtoolAccount(name="shop-2", gateway=gateway, shop_id="123"), keep=keep)


def failure(call: Callable[[str], object], url: str) -> PlatformError:
    """How the call failed, in an error that carries no secret and no more than the host of the address."""
    with pytest.raises(PlatformError) as caught:
        call(url)
    shown = f"{caught.value!r} {vars(caught.value)}"
    for hidden in ("helloworld", "test-token", "12345678", "router/rest"):
        assert hidden not in shown
    return caught.value


def test_a_request_is_a_form_in_utf8_that_names_its_sender(server: Server) -> None:
    pull(server.url)
    (request,) = server.requests
    assert request.path == "/router/rest"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    assert request.headers["User-Agent"].startswith("tidings/")
    assert request.form["method"] == "taobao.tmc.messages.consume"


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 599, 408])
def test_a_server_fault_is_transient(server: Server, status: int) -> None:
    server.script = reply(b"<html>sorry</html>", status)
    error = failure(pull, server.url)
    assert type(error) is Transient
    assert str(status) in error.text
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 1), ("7", 7), ("0", 1), ("soon", 1), ("999999999", 86_400), ("9" * 5000, 1), ("-3", 1)],
)
def test_http_429_is_throttled_for_as_long_as_it_says(server: Server, header: str | None, seconds: float) -> None:
    server.script = reply(b"", 429, **({"Retry_After": header} if header else {}))
    error = failure(pull, server.url)
    assert isinstance(error, Throttled)
    assert (error.seconds, error.scope) == (seconds, "gateway")
    assert error.named is (header is not None and len(header) < 10 and header.isdigit())


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("0", 1), ("3600", 300), ("999999999", 300)])
def test_http_503_that_names_a_time_holds_the_gateway_for_as_long_within_five_minutes(
    server: Server, header: str, seconds: float
) -> None:
    server.script = reply(b"", 503, Retry_After=header)
    error = failure(pull, server.url)
    assert isinstance(error, Unavailable)
    assert (error.seconds, error.scope) == (seconds, "gateway")


@pytest.mark.parametrize("header", ["soon", "-3", "9" * 5000, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_http_503_that_names_no_time_in_seconds_is_as_any_server_fault(server: Server, header: str) -> None:
    server.script = reply(b"", 503, Retry_After=header)
    assert type(failure(pull, server.url)) is Transient


@pytest.mark.parametrize(("status", "kind", "most"), [(429, Throttled, 900), (503, Unavailable, 300)])
def test_a_date_to_come_back_at_is_a_time_too_by_the_clock_of_who_wrote_it(
    server: Server, status: int, kind: type[Throttled | Unavailable], most: float
) -> None:
    written = time.time() - 7200

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(status)
        for name, at in (("Date", written), ("Retry-After", written + 900)):
            handler.send_header(name, formatdate(at, usegmt=True))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.script = script
    error = failure(pull, server.url)
    assert isinstance(error, kind)
    assert error.seconds == most


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["http://localhost:{port}/elsewhere", "/router/rest?again"])
def test_no_redirect_is_followed(server: Server, status: int, target: str) -> None:
    server.script = reply(b"", status, Location=target.format(port=server.port))
    error = failure(pull, server.url)
    assert type(error) is MalformedReply
    assert f"HTTP {status}, which points elsewhere: is the gateway's url right?" in error.text
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("call", "status", "kind"),
    [
        (pull, 400, BadRequest),
        (pull, 401, Unauthorised),
        (pull, 403, Unauthorised),
        (pull, 404, BadRequest),
        (pull_vvtool, 401, Unauthorised),
        (pull_vvtool, 404, BadRequest),
        (pull_vvtool, 405, BadRequest),
    ],
)
def test_a_refusal_of_http_itself_concerns_the_gateway(
    server: Server, call: Callable[[str], object], status: int, kind: type[PlatformError]
) -> None:
    server.script = reply(b"<html>no</html>", status)
    error = failure(call, server.url)
    assert (type(error), error.scope) == (kind, "gateway")
    if isinstance(error, Unauthorised):
        assert "gateways.vv.token" in error.remedy if call is pull_vvtool else "gateways.tb.url" in error.remedy


def test_a_refusal_that_explains_itself_in_its_body_is_believed(server: Server) -> None:
    server.script = reply(b'{"error_response":{"code":27,"msg":"Invalid session","request_id":"r9"}}', 403)
    error = failure(pull, server.url)
    assert (type(error), error.scope, error.code, error.request_id) == (Unauthorised, "account", "27", "r9")
    server.script = reply(b'{"code":401,"msg":"x","data":[]}', 401)
    assert failure(pull_vvtool, server.url).code == "401"
    server.script = reply(b'{"code":0,"msg":"x","data":[]}', 404)
    assert type(failure(pull_vvtool, server.url)) is BadRequest


def cut(sent: bytes) -> Script:
    """Sends so much and closes."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(sent)
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    return script


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + EMPTY[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"this is no HTTP at all\r\n\r\n",
    ],
    ids=["at once", "in a header", "between headers", "before the body", "in the body", "in a chunk", "no HTTP"],
)
def test_a_cut_connection_is_transient(server: Server, sent: bytes) -> None:
    server.script = cut(sent)
    assert type(failure(pull, server.url)) is Transient


MESSAGE = b'{"id":1,"msg_data":"{\\"id\\":5,\\"topic\\":\\"t\\",\\"content\\":\\"{}\\"}"},'


def test_what_vvtool_sent_before_a_cut_is_kept_and_returned(server: Server) -> None:
    """It is never sent again."""
    body = b'{"code":0,"data":{"msg":[' + MESSAGE * 200
    server.script = cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body)
    kept = list[bytes]()
    pulled = pull_vvtool(server.url, keep=kept.append)
    assert len(pulled.items) == 200
    assert kept == [body]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_messages_of_vvtool_are_kept_and_read_whatever_status_they_came_with(server: Server, status: int) -> None:
    """They are never sent again. PHP that fails after it has written them answers so."""
    body = b'{"code":0,"data":{"msg":[' + MESSAGE.rstrip(b",") + b"]}}"
    server.script = reply(body, status, Retry_After="60")
    kept = list[bytes]()
    assert [item.id for item in pull_vvtool(server.url, keep=kept.append).items] == ["5"]
    assert kept == [body]


def test_a_refusal_of_vvtool_without_messages_is_not_kept(server: Server) -> None:
    server.script = reply(b'{"code":101,"msg":"x","data":[]}', 500)
    kept = list[bytes]()
    assert type(failure(lambda url: pull_vvtool(url, keep=kept.append), server.url)) is Transient
    assert kept == []


def test_a_cut_before_vvtools_first_message_is_transient(server: Server) -> None:
    server.script = cut(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b'{"code":0,' + b" " * 2000)
    assert type(failure(pull_vvtool, server.url)) is Transient


def test_nobody_listening_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(pull, f"http://127.0.0.1:{port}")
    assert type(error) is Transient
    assert "takes no connection" in error.text


def test_a_name_that_nobody_knows_is_told_apart() -> None:
    error = failure(pull, "http://no-such-host.invalid/router/rest")
    assert type(error) is Transient
    assert "the name no-such-host.invalid is not known" in error.text


def test_a_call_may_be_given_less_time_for_its_reply(server: Server) -> None:
    def late(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(1)
        reply(EMPTY)(handler)

    server.script = late
    with http.within(0.2):
        assert failure(pull, server.url).text == "no reply from 127.0.0.1 in time"
    assert pull(server.url) == Reply()
    server.script = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" ")
    started = time.monotonic()
    with http.within(2):
        assert failure(pull, server.url).text == "no reply from 127.0.0.1 in time"
    assert time.monotonic() - started < 6


@pytest.mark.usefixtures("quick")
def test_a_connection_that_is_not_accepted_in_time_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        started = time.monotonic()
        assert type(failure(pull, f"http://127.0.0.1:{address[1]}")) is Transient
        assert time.monotonic() - started < 15
        for one in waiting:
            one.close()


def drip(lead: bytes, drops: bytes) -> Script:
    """Sends one byte after the other, each sooner than a read's time limit, for thirty seconds."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(lead)
        for place in range(300):
            handler.wfile.write(drops[place % len(drops) :][:1])
            time.sleep(0.1)

    return script


SLOW = {
    "silence": lambda _handler: time.sleep(1),
    "dripping status": drip(b"", b"HTTP/1.1 200 " + b"O" * 200),
    "dripping headers": drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "dripping body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
    "dripping chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "dripping to the end": drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" "),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
def test_a_reply_that_does_not_come_in_time_is_transient(server: Server, script: Script) -> None:
    server.script = script
    started = time.monotonic()
    error = failure(pull, server.url)
    assert time.monotonic() - started < 15
    assert (type(error), error.text) == (Transient, "no reply from 127.0.0.1 in time")


@pytest.mark.usefixtures("quick")
def test_a_proxy_cannot_drip_either(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "")
    server.script = SLOW["dripping headers"]
    started = time.monotonic()
    assert type(failure(pull, "http://shop.invalid")) is Transient
    assert time.monotonic() - started < 15
    assert server.requests[0].path == "http://shop.invalid/router/rest"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A limit of 2,000 bytes a reply."""
    monkeypatch.setenv("TIDINGS_REPLY_BYTES", "2000")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"400\r\n" + b" " * 1024 + b"\r\n")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "script",
    [reply(EMPTY + b" " * 2000), endless, reply(gzip.compress(b" " * 10_000_000), Content_Encoding="gzip")],
    ids=["long", "endless", "packed"],
)
def test_a_reply_beyond_the_limit_is_refused_before_it_is_read_to_its_end(server: Server, script: Script) -> None:
    server.script = script
    error = failure(pull, server.url)
    assert type(error) is MalformedReply
    assert "TIDINGS_REPLY_BYTES" in error.text


@pytest.mark.usefixtures("small")
def test_a_reply_just_within_the_limit_is_read(server: Server) -> None:
    server.script = reply(EMPTY + b" " * (2000 - len(EMPTY)))
    assert pull(server.url) == Reply()


def test_a_packed_reply_is_unpacked(server: Server) -> None:
    server.script = reply(gzip.compress(EMPTY), Content_Encoding="gzip")
    pull(server.url)
    server.script = reply(b"no gzip", Content_Encoding="gzip")
    assert type(failure(pull, server.url)) is MalformedReply


def test_html_and_nothing_at_all_are_malformed_replies(server: Server) -> None:
    for body in (b"<html>", b""):
        server.script = reply(body)
        assert type(failure(pull, server.url)) is MalformedReply
    server.script = reply(b"", 204)
    assert type(failure(pull, server.url)) is MalformedReply


def test_tls_that_is_none_is_transient(server: Server) -> None:
    error = failure(pull, server.url.replace("http:", "https:"))
    assert (type(error), error.text) == (Transient, "no trusted TLS connection to 127.0.0.1: wrong version number")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_only_a_trusted_certificate_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    command = [*made.split(), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with serving(reply(EMPTY), context) as told:
        url = f"https://localhost:{told.port}"
        error = failure(pull, url)
        assert type(error) is Transient
        assert error.text.startswith("no trusted TLS connection to localhost: self")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
        http.start_afresh()
        assert pull(url) == pull(url) == Reply()
        assert len({request.peer for request in told.requests}) == 1


def test_no_cookie_is_kept(server: Server) -> None:
    server.script = reply(EMPTY, Set_Cookie="tracked=1; Path=/")
    pull(server.url)
    pull(server.url)
    assert "Cookie" not in server.requests[1].headers


def test_netrc_does_not_replace_our_token(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.script = reply(b'{"code":0,"data":[]}')
    pull_vvtool(server.url)
    assert server.requests[0].headers["Authorization"] == "Bearer test-token"


def test_calls_share_a_connection(server: Server) -> None:
    for _ in range(3):
        pull(server.url)
    assert len({request.peer for request in server.requests}) == 1


def closing(handler: BaseHTTPRequestHandler) -> None:
    """Answers, and closes without having said so."""
    reply(EMPTY)(handler)
    handler.close_connection = True


def test_a_connection_that_the_platform_has_closed_costs_no_call(server: Server) -> None:
    server.script = closing
    for made in range(1, 21):
        pull(server.url)
        assert len(server.requests) == made
        until = time.monotonic() + 10
        while server.closed < made and time.monotonic() < until:
            time.sleep(0.001)
    assert len({request.peer for request in server.requests}) == 20


@pytest.mark.parametrize(("told", "peers"), [("timeout=1", 2), ("timeout=60, max=100", 1), ("max=100", 1)])
def test_a_connection_is_given_up_before_the_platform_does(server: Server, told: str, peers: int) -> None:
    """One that is closed while a call is on its way there fails that call."""
    server.script = reply(EMPTY, Keep_Alive=told)
    pull(server.url)
    pull(server.url)
    assert len({request.peer for request in server.requests}) == peers


def test_a_connection_that_was_idle_for_long_is_not_used_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 1e-9)
    pull(server.url)
    pull(server.url)
    assert len({request.peer for request in server.requests}) == 2


def test_a_call_that_a_close_has_met_is_not_made_again(server: Server) -> None:
    """Nobody knows whether vv-tool has handed out messages for it."""
    server.script = reply(b'{"code":0,"data":[]}')
    pull_vvtool(server.url)
    server.script = cut(b"")
    assert type(failure(pull_vvtool, server.url)) is Transient
    assert len(server.requests) == 2
    server.script = reply(b'{"code":0,"data":[]}')
    pull_vvtool(server.url)
    assert len(server.requests) == 3


def test_more_hosts_than_are_kept_may_be_called(server: Server) -> None:
    for port in range(http.PLATFORMS + 1):
        assert type(failure(pull, f"http://127.0.0.{port + 1}:1")) is Transient
        assert pull(server.url) == Reply()


@pytest.mark.parametrize("value", [b"a\nb", b"a\r\nX: y", b"a\rb"])
def test_a_header_of_several_lines_is_not_sent(server: Server, value: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        http.post(server.url, {"name": "value"}, {"Authorization": value})
    assert (caught.value.scope, server.requests) == ("gateway", [])


def test_many_threads_may_call_at_once(server: Server) -> None:
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: pull(server.url), range(160)))
    assert len(replies) == len(server.requests) == 160


def test_a_forked_child_has_connections_of_its_own(server: Server) -> None:
    pull(server.url)
    child = os.fork()
    if child == 0:
        try:
            pull(server.url)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    pull(server.url)
    parent, forked, parent_again = (request.peer for request in server.requests)
    assert parent == parent_again
    assert parent != forked


def test_the_raw_body_is_kept_before_it_is_read(server: Server) -> None:
    server.script, kept = reply(b"no JSON"), list[bytes]()
    with pytest.raises(MalformedReply):
        pull_vvtool(server.url, keep=kept.append)
    assert kept == [b"no JSON"]


def test_a_body_that_cannot_be_kept_is_not_read(server: Server) -> None:
    def full(_body: bytes) -> None:
        raise RuntimeError("no room")

    server.script = reply(b"no JSON")
    with pytest.raises(RuntimeError, match="no room"):
        pull_vvtool(server.url, keep=full)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_refusal_is_not_kept(server: Server, status: int) -> None:
    server.script, kept = reply(b"no JSON", status), list[bytes]()
    with pytest.raises(PlatformError):
        pull_vvtool(server.url, keep=kept.append)
    assert kept == []
