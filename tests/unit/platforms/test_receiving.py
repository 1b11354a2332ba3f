"""One HTTP reply from a socket, however it is framed, packed and cut into pieces."""

import gzip
import io
import os
import socket
import time
import zlib
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.platforms.receiving import DAMAGE, LONGEST_LINE, REST_SECONDS, Received, TooLarge, receive

BODY = bytes(range(256)) * 3
EXAMPLES = int(os.environ.get("TIDINGS_TEST_EXAMPLES", "60"))
TRIED = settings(deadline=None, max_examples=EXAMPLES, derandomize="TIDINGS_TEST_EXAMPLES" not in os.environ)


class Wire:
    """Stands in for a socket: gives the bytes in pieces of at most `most`, and then the end."""

    def __init__(self, sent: bytes, most: int) -> None:
        self._sent, self._most = io.BytesIO(sent), most

    def settimeout(self, seconds: float) -> None:
        pass

    def recv_into(self, buffer: Any) -> int:
        return self._sent.readinto(memoryview(buffer)[: self._most])

    def makefile(self, _mode: str) -> io.BytesIO:
        return self._sent


def received(sent: bytes, most: int = 2**20, limit: int = 10**6) -> Received:
    return receive(cast(socket.socket, Wire(sent, most)), 60, limit, 50)


def sized(body: bytes, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    lines = [status, *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunks(*bodies: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(body), body) for body in bodies)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

WHOLE = {
    "sized": sized(BODY),
    "lines that end in \\n": b"HTTP/1.1 200 OK\nContent-Length:%d\n\n" % len(BODY) + BODY,
    "no reason": sized(BODY, status=b"HTTP/1.1 200"),
    "HTTP/1.0": sized(BODY, status=b"HTTP/1.0 200 OK"),
    "announced": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + sized(BODY),
    "folded": sized(BODY, b"X-Long: a", b"  Content-Length: 3"),
    "without a colon": sized(BODY, b"garbage"),
    "more behind": sized(BODY) + b"more",
    "chunks": CHUNKED + chunks(BODY[:100], BODY[100:101], BODY[101:]) + b"0\r\n\r\n",
    "chunks with more": CHUNKED + b"3;name=x\r\n" + BODY[:3] + b"\r\n" + chunks(BODY[3:]) + b"0\r\nX-Sum: 1\r\n\r\n",
    "chunks in capitals": CHUNKED.replace(b"chunked", b"Chunked") + b"%X\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
    "to the end": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "size that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + BODY,
    "gzip": sized(gzip.compress(BODY), b"Content-Encoding: gzip"),
    "gzip in two": sized(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), b"Content-Encoding: GZIP"),
    "gzip and garbage": sized(gzip.compress(BODY) + b"more", b"Content-Encoding: x-gzip"),
    "deflate": sized(zlib.compress(BODY), b"Content-Encoding: deflate"),
    "deflate, raw": sized(zlib.compress(BODY, wbits=-15), b"Content-Encoding: deflate"),
    "gzip in chunks": CHUNKED[:-2]
    + b"Content-Encoding: gzip\r\n\r\n"
    + chunks(gzip.compress(BODY)[:9], gzip.compress(BODY)[9:])
    + b"0\r\n\r\n",
    "said to be packed, and is not": sized(BODY, b"Content-Encoding: gzip"),
    "an encoding that nobody asked for": sized(BODY, b"Content-Encoding: br"),
    "gzip that nobody tells of": sized(gzip.compress(BODY)),
}


@pytest.mark.parametrize("most", [1, 7, 2**20])
@pytest.mark.parametrize("sent", WHOLE.values(), ids=WHOLE.keys())
def test_a_whole_reply_is_read_however_it_arrives(sent: bytes, most: int) -> None:
    reply = received(sent, most)
    assert (reply.status, reply.body, reply.fault) == (200, BODY, None)


@pytest.mark.parametrize("name", ["sized", "announced", "chunks", "chunks with more", "to the end", "gzip"])
def test_of_a_reply_that_is_cut_comes_all_that_was_sent(name: str) -> None:
    sent = WHOLE[name]
    start = sent.rindex(b"\r\n\r\n", 0, sent.index(BODY[:3])) + 4 if name != "gzip" else sent.index(b"\r\n\r\n") + 4
    for end in range(len(sent)):
        cut = sent[:end]
        if end < start and name != "chunks with more":
            with pytest.raises((OSError, HTTPException)):
                received(cut)
        elif end > start + 30:
            reply = received(cut)
            assert BODY.startswith(reply.body)
            assert bool(reply.fault) == (name != "to the end")
            if name in {"sized", "to the end"}:
                assert len(reply.body) == end - start


HEADERS = st.sampled_from(
    [
        b": x",
        b"x",
        b":",
        b"  folded: x",
        b"X-One: x",
        b"\xe5\xba\x97: \xff",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"Content-Length: 5",
        b"Content-Length: 7",
        b"Content-Length: -5",
        b"Content-Length: 99999999999999999999",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b"Content-Encoding: gzip",
        b"Content-Encoding: deflate",
    ]
)
BODIES = st.sampled_from(
    [
        b"",
        b"12345",
        b"1234567 and more",
        b"5\r\n12345\r\n0\r\n\r\n",
        b"5;x=y\r\n12345\r\n2\r\n67\r\n0\r\nX: x\r\n\r\n",
        b"fffffffffffff\r\n12345",
        b"-5\r\n12345\r\n",
        gzip.compress(b"12345"),
        zlib.compress(b"12345"),
    ]
)
STATUSES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204", b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 500 E"]
)
REPLIES = st.builds(
    lambda status, headers, body: b"\r\n".join([status, *headers, b"", body]),
    STATUSES,
    st.lists(HEADERS, max_size=5),
    BODIES,
)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A reply with some bytes of it replaced, left out or put in."""
    sent = bytearray(draw(REPLIES))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(sent)))
        sent[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(sent)


@TRIED
@given(spoilt() | st.binary(max_size=50), st.sampled_from([1, 3, 2**20]))
def test_whatever_comes_ends_in_a_reply_or_in_an_error_that_is_known(sent: bytes, most: int) -> None:
    try:
        reply = received(sent, most, limit=10)
    except (OSError, HTTPException):
        return
    assert reply.fault is None or isinstance(reply.fault, DAMAGE)
    assert reply.status >= 200
    assert not (reply.fault and reply.lasts)


@TRIED
@given(REPLIES)
def test_what_http_client_reads_is_read_alike(sent: bytes) -> None:
    theirs = HTTPResponse(cast(socket.socket, Wire(sent, 2**20)), method="POST")
    theirs.begin()
    if any(
        odd in sent
        for odd in (b"\r\n: ", b"\r\n:\r", b"\r\nx\r", b"\xe5", b"folded", b"gzip, chunked", b"Content-Encoding")
    ):
        return  # to http.client, headers end at the first of these; it unpacks nothing
    if theirs.status == 204:
        return  # has no body, though http.client reads chunks of one
    try:
        body: bytes | None = theirs.read()
    except OverflowError:
        return  # a size that is beyond it
    except (HTTPException, ValueError):
        body = None
    ours = received(sent)
    assert ours.status == theirs.status
    assert (ours.fault is None) == (body is not None)
    assert body is None or ours.body == body


OWN = {"announced", "folded", "without a colon"}  # http.client takes another head, or ends it there


@pytest.mark.parametrize(
    "name", [name for name in sorted(WHOLE.keys() - OWN) if "gzip" not in name and "deflate" not in name]
)
def test_a_body_that_is_not_packed_is_the_one_that_http_client_reads(name: str) -> None:
    theirs = HTTPResponse(cast(socket.socket, Wire(WHOLE[name], 2**20)), method="POST")
    theirs.begin()
    assert theirs.read() == received(WHOLE[name]).body


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * LONGEST_LINE + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n",
    ],
    ids=["nothing", "empty line", "no HTTP", "no status", "no end", "only announced", "long header", "many headers"],
)
def test_what_has_no_head_is_no_reply(sent: bytes) -> None:
    with pytest.raises((OSError, HTTPException)):
        received(sent)


@pytest.mark.parametrize(
    "chunk", [b"", b"x\r\n", b"-5\r\n", b"5_0\r\n", b"\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"f" * 300], ids=repr
)
def test_a_chunk_that_is_none_is_a_fault_and_costs_nothing_before_it(chunk: bytes) -> None:
    reply = received(CHUNKED + chunks(BODY) + chunk)
    assert reply.body.startswith(BODY)
    assert isinstance(reply.fault, HTTPException)


MESSAGES = '{"data":[{"title":"千牛"},{"title":"}"}]}'.encode()
MANY = b'{"all":[' + b",".join([MESSAGES] * 3000) + b"]}"
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("body", "most"),
    [
        (MESSAGES, 1),
        (MESSAGES, 7),
        (MESSAGES, 2**20),
        (BOM + MESSAGES, 1),
        (BOM + MESSAGES, 2**20),
        (MANY, 2**14),
        (MANY, 2**20),
    ],
)
def test_json_that_is_longer_than_it_says_is_read_to_its_end(body: bytes, most: int) -> None:
    """PHP that counts characters, and a server that does not: vv-tool sends nothing again."""
    sizes = {0, 7, len(body.decode()), len(body) - 3, len(body) - 1}
    for size in sizes if most > 7 else {each for each in sizes if each and body[each - 1 : each] != b"}"}:
        reply = received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, body), most)
        assert (reply.body, reply.fault, reply.lasts) == (body, None, 0)


@pytest.mark.parametrize("most", [1, 2**20])
@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, b"gzip"), (zlib.compress, b"deflate")])
def test_packed_json_that_is_longer_than_it_says_is_read_to_its_end(pack: Any, name: bytes, most: int) -> None:
    """What stands behind such a length is packed as well."""
    body = b'{"all":[' + b",".join(b'{"id":%d}' % (number * 7919) for number in range(300)) + b"]}"
    packed = pack(body)
    for size in (len(packed) // 2, len(packed) - 30, len(packed) - 11, *([0, 3, 20] if most > 1 else [])):
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (name, size)
        reply = received(head + packed, most)
        assert (reply.body, reply.fault, reply.lasts) == (body, None, 0)


ROWS = b'{"code":0,"data":{"msg":[{"msg_data":"{}"},{"msg_data":"{}"},{"msg_data":"{}"}]}}'
NOTICE = b"<br />\n<b>Notice</b>: x in <b>a</b><br />\n"


@pytest.mark.parametrize(
    ("most", "size"), [(2**20, 3), (2**20, len(ROWS)), (2**20, len(NOTICE + ROWS) - 3), (1, len(ROWS))]
)
def test_messages_behind_a_notice_that_their_length_does_not_count_are_read_to_their_end(most: int, size: int) -> None:
    reply = received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, NOTICE + ROWS), most)
    assert (reply.body, reply.lasts) == (NOTICE + ROWS, 0)


def test_nothing_is_waited_for_behind_messages_that_a_notice_follows() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sized(ROWS + NOTICE))
        began = time.monotonic()
        assert receive(ours, 60, 10**6, 50).body == ROWS + NOTICE
        assert time.monotonic() - began < REST_SECONDS / 2


@pytest.mark.parametrize("body", [MESSAGES, BOM + MESSAGES], ids=["JSON", "with a BOM"])
@pytest.mark.parametrize("name", [b"gzip", b"deflate", b"br"])
def test_json_that_is_said_to_be_packed_and_is_not_stays_as_it_is(body: bytes, name: bytes) -> None:
    reply = received(sized(body, b"Content-Encoding: " + name))
    assert (reply.body, reply.fault) == (body, None)


@pytest.mark.parametrize("size", range(0, len(MESSAGES), 5))
def test_it_is_read_as_it_comes_over_a_connection_that_stays_open(size: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, MESSAGES))
        began = time.monotonic()
        assert receive(ours, 60, 10**6, 50).body == MESSAGES
        assert time.monotonic() - began < REST_SECONDS / 2


def test_what_never_comes_of_it_is_not_waited_for_long() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + MESSAGES[:20])
        began = time.monotonic()
        assert receive(ours, 60, 10**6, 50).body == MESSAGES[:20]
        assert REST_SECONDS / 2 < time.monotonic() - began < 10 * REST_SECONDS


@pytest.mark.parametrize(
    "body", [MESSAGES, MESSAGES + b"\n", b"[1]", b"<html>", b"plain", b"", b'{"a":"}{{"}'], ids=repr
)
def test_nothing_belongs_to_a_body_that_is_whole_or_no_json_at_all(body: bytes) -> None:
    behind = b"<!-- served by 5 -->"
    assert received(sized(body) + behind).body == body


@pytest.mark.parametrize("sent", [sized(BODY), CHUNKED + chunks(BODY) * 9, b"HTTP/1.1 200 OK\r\n\r\n" + BODY * 9])
def test_a_body_beyond_the_limit_is_left(sent: bytes) -> None:
    reply = received(sent, most=50, limit=500)
    assert isinstance(reply.fault, TooLarge)
    assert 500 < len(reply.body) <= 550
    assert (reply.body, reply.lasts) == (BODY[: len(reply.body)], 0)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_what_unpacks_to_more_than_the_limit_is_not_unpacked_to_its_end(pack: Any) -> None:
    packed = pack(b" " * 10**7)
    encoding = b"gzip" if pack is gzip.compress else b"deflate"
    reply = received(sized(packed, b"Content-Encoding: " + encoding), limit=500)
    assert isinstance(reply.fault, TooLarge)
    assert len(reply.body) == 501


def test_what_cannot_be_unpacked_is_a_fault() -> None:
    assert isinstance(received(sized(b"\x1fno gzip", b"Content-Encoding: gzip")).fault, zlib.error)


@pytest.mark.parametrize("name", [b"gzip", b"deflate"])
def test_what_is_said_to_be_packed_and_is_json_is_read_as_it_is(name: bytes) -> None:
    for text in (b'{"code":0}', b'\n [{"code":0}]'):
        reply = received(sized(text, b"Content-Encoding: " + name), most=3)
        assert (reply.body, reply.fault) == (text, None)


@pytest.mark.parametrize("most", [7, 2**20])
@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, b"gzip"), (zlib.compress, b"deflate")])
def test_of_what_is_damaged_comes_what_was_sent_before_the_damage(pack: Any, name: bytes, most: int) -> None:
    packed = pack(BODY)
    wrong_sum = received(sized(packed[:-4] + b"none", b"Content-Encoding: " + name), most)
    assert isinstance(wrong_sum.fault, zlib.error)
    assert wrong_sum.body == BODY


@pytest.mark.parametrize("body", [b'{"code":0,', b'{"code":0,\n', gzip.compress(BODY)])
def test_what_is_said_to_come_in_chunks_and_does_not_is_a_fault_and_kept(body: bytes) -> None:
    reply = received(CHUNKED + body, most=3)
    assert isinstance(reply.fault, HTTPException)
    assert reply.body == (BODY if body.startswith(b"\x1f") else body)


def test_it_is_kept_where_the_connection_stays_open_too() -> None:
    """PHP hands on another server's headers with a body that it has read: vv-tool sends nothing again."""
    for head, fault in ((CHUNKED, TimeoutError), (sized(b"", b"Transfer-Encoding: chunked")[:-5], HTTPException)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(0.2)
            size = b"" if head is CHUNKED else b"%d\r\n\r\n" % (len(MESSAGES) - 1)
            theirs.sendall(head + size + MESSAGES[:-1])
            reply = receive(ours, 0.2, 10**6, 50)
            assert (reply.body, type(reply.fault), reply.lasts) == (MESSAGES[:-1], fault, 0)


@pytest.mark.parametrize("most", [1, 2**20])
@pytest.mark.parametrize("short", [1, 3, 40])
def test_of_chunks_that_are_longer_than_they_say_comes_all(short: int, most: int) -> None:
    """As those of a script that counts characters."""
    parts = [MANY[at : at + 150_000] for at in range(0, len(MANY), 150_000)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(part) - short, part) for part in parts)
    reply = received(CHUNKED + body + b"0\r\n\r\n", most)
    assert (reply.body, reply.fault, reply.lasts) == (MANY, None, 0)
    cut = received(CHUNKED + b"8\r\n" + MESSAGES[:-1] + b"\r\n0\r\n\r\n", most)
    assert (cut.body, str(cut.fault)) == (MESSAGES[:-1], "a chunk is longer than it says")


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + MESSAGES,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 999\r\n\r\n" + gzip.compress(MESSAGES),
        CHUNKED + chunks(MESSAGES),
        CHUNKED + MESSAGES,
    ],
    ids=["length of more", "length before packing", "no last chunk", "no chunks"],
)
def test_json_that_is_whole_is_a_whole_body_however_it_ends(sent: bytes) -> None:
    reply = received(sent)
    assert (reply.body, reply.fault, reply.lasts) == (MESSAGES, None, 0)


def test_json_that_is_not_whole_is_none() -> None:
    assert received(sized(MESSAGES)[:-1]).fault
    assert received(CHUNKED + MESSAGES[:-1]).fault


@pytest.mark.parametrize("status", [b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"])
def test_what_has_no_body_is_not_waited_for(status: bytes) -> None:
    reply = received(status + b"\r\nContent-Length: 5\r\n\r\nmore")
    assert (reply.body, reply.fault) == (b"", None)


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (sized(b"x"), 50),
        (sized(b"x", b"Connection: keep-alive"), 50),
        (sized(b"x", b"Connection: Close"), 0),
        (sized(b"x", b"Keep-Alive: timeout=15, max=100"), 14),
        (sized(b"x", b"Keep-Alive: timeout=900"), 50),
        (sized(b"x", b"Keep-Alive: max=100"), 50),
        (sized(b"x", b"Keep-Alive: timeout=0"), 0),
        (sized(b"x", status=b"HTTP/1.0 200 OK"), 0),
        (sized(b"x", b"Connection: keep-alive", status=b"HTTP/1.0 200 OK"), 50),
        (CHUNKED + b"0\r\n\r\n", 50),
        (CHUNKED + b"5\r\nx", 0),
        (b"HTTP/1.1 200 OK\r\n\r\nx", 0),
        (sized(b"x") + b"HTTP/1.1 200 OK\r\n", 0),
        (CHUNKED + b"0\r\n\r\nx", 0),
        (sized(b"\x1fno gzip", b"Content-Encoding: gzip"), 0),
    ],
)
def test_how_long_the_connection_may_be_idle(sent: bytes, seconds: float) -> None:
    assert received(sent).lasts == seconds
