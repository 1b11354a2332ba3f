"""URLs that may be posted to, and what is told of them."""

import pytest

from handlers.posting.target import BadTarget, target


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path"),
    [
        ("https://Shop.Example/hook", "https", "shop.example", 443, "/hook"),
        ("http://shop.example", "http", "shop.example", 80, "/"),
        ("HTTP://shop.example:8080?a=b#c", "http", "shop.example", 8080, "/?a=b"),
        ("https://[2001:db8::1]:8443/a%20b", "https", "2001:db8::1", 8443, "/a%20b"),
        ("http://0x7f.1/", "http", "0x7f.1", 80, "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, scheme: str, host: str, port: int, path: str) -> None:
    found = target(url)
    assert (found.scheme, found.host, found.port, found.path) == (scheme, host, port, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example/hook",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "http+unix://%2Ftmp%2Fsocket/",
        "http:///hook",
        "http://",
        "http://shop.example:99999/",
        "http://shop.example:0/",
        "http://shop.example:abc/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://shop.example /",
        "http://shop.example/a b",
        "http://shop.example\\@127.0.0.1/",
        "http://shop.example/\r\nX: y",
        "http://商店.example/",
        "http://a..b/",
        "http://-a.example:80/",
        f"http://{'a' * 300}.example/",
    ],
)
def test_what_is_no_url_of_ours_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(BadTarget, match="write https://host/path"):
        target(url)


def test_nothing_secret_in_it_is_told() -> None:
    found = target("https://me:hunter%402@shop.example:444/hook/T0KEN?sign=5ecret")
    assert found.authorization == "Basic bWU6aHVudGVyQDI="
    assert found.origin == "https://shop.example:444"
    for word in ("hunter", "T0KEN", "5ecret", "bWU6"):
        assert word not in f"{found!r} {found.origin}"
    with pytest.raises(BadTarget) as caught:
        target("https://me:hunter2@shop.example:x/T0KEN?5ecret")
    assert not any(word in str(caught.value) for word in ("hunter2", "T0KEN", "5ecret"))
