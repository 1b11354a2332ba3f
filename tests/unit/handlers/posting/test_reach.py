"""Whom a post may reach: no address of this machine, its networks, the cloud or Redis, in any spelling."""

import socket
from collections.abc import Callable

import pytest

from handlers import HandlersError
from handlers.posting.reach import OutOfReach, Reach, reach, redis_places

Leads = Callable[..., None]


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> Leads:
    """Makes a name lead to addresses, another one each time it is asked for if several lists are given."""
    real = socket.getaddrinfo

    def make(name: str, *answers: list[str]) -> None:
        left = list(answers)

        def getaddrinfo(host: str, port: int, *numbers: int, **more: int) -> object:
            if host != name:
                return real(host, port, *numbers, **more)
            found = left.pop(0) if len(left) > 1 else left[0]
            return [entry for address in found for entry in real(address, port, *numbers, **more)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return make


PRIVATE = [
    *(
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
    ),
    *("168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "240.0.0.1"),
    *(
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
    ),
    *("2002:7f00:1::", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "0"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_out_of_reach_however_they_are_spelled(address: str) -> None:
    with pytest.raises(OutOfReach, match="TIDINGS_WEBHOOK_ALLOW"):
        Reach().addresses(address, 80)
    with pytest.raises(OutOfReach):
        Reach().look_at(address, 80)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_ones_are_not(address: str) -> None:
    assert Reach().addresses(address, 80) == [address]


def test_of_what_a_name_leads_to_only_what_is_allowed_is_connected_to(leads: Leads) -> None:
    leads("two.example", ["127.0.0.1", "8.8.8.8"])
    assert Reach().addresses("two.example", 80) == ["8.8.8.8"]
    leads("inner.example", ["10.1.2.3"])
    with pytest.raises(
        OutOfReach, match=r"inner\.example leads to 10\.1\.2\.3, .* name inner\.example or 10\.1\.2\.3 in"
    ):
        Reach().addresses("inner.example", 80)


def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing(leads: Leads) -> None:
    """Connected to is the very address that was looked at: the name is asked for once."""
    server = socket.create_server(("127.0.0.1", 0))
    leads("rebound.example", ["127.0.0.1"], ["127.0.0.2"])
    allowed = reach(["127.0.0.1"], {"TIDINGS_REDIS_URL": "unix:///x"}, "V")
    with allowed.connect("rebound.example", server.getsockname()[1], lambda: 5.0) as made:
        assert made.getpeername()[0] == "127.0.0.1"
    leads("rebound.example", ["8.8.8.8"], ["127.0.0.1"])
    assert Reach().addresses("rebound.example", 80) == ["8.8.8.8"]


@pytest.mark.parametrize(
    ("allowed", "host", "usable"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.0/8"], "127.0.0.1", True),
        (["127.0.0.1"], "::ffff:127.0.0.1", True),
        (["[::1]"], "::1", True),
        (["10.0.0.0/8"], "127.0.0.1", False),
        (["LocalHost."], "localhost", True),
        (["localhost"], "127.0.0.1", False),
        (["0.0.0.0/0", "::/0"], "fe80::1", True),
    ],
)
def test_names_and_networks_are_allowed(allowed: list[str], host: str, usable: bool) -> None:
    made = reach(allowed, {"TIDINGS_REDIS_URL": "unix:///x"}, "V")
    if usable:
        assert made.addresses(host, 80)
    else:
        with pytest.raises(OutOfReach):
            made.addresses(host, 80)


@pytest.mark.parametrize(
    "url", ["redis://:hunter2@127.0.0.1:6380/0", "sentinel://a.example:1;sentinel://localhost:6380/0"]
)
def test_redis_itself_is_out_of_reach_whatever_is_allowed(url: str) -> None:
    made = reach(["127.0.0.0/8"], {"TIDINGS_REDIS_URL": url}, "V")
    with pytest.raises(OutOfReach, match=r"127\.0\.0\.1 is Redis's own address") as caught:
        made.addresses("127.0.0.1", 6380)
    assert "hunter2" not in str(caught.value)
    assert made.addresses("127.0.0.1", 6381) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("environ", "places"),
    [
        ({}, [("127.0.0.1", 6379)]),
        ({"TIDINGS_REDIS_URL": "rediss://u:p/w#@r.example"}, [("r.example", 6379)]),
        ({"TIDINGS_REDIS_URL": "sentinel://:p@a:1;sentinel://b;c:3/0?master=m"}, [("a", 1), ("b", 26379), ("c", 3)]),
        ({"TIDINGS_REDIS_URL": "unix:///run/redis"}, []),
        (
            {"TIDINGS_REDIS_URL": "redis://[::1]:7/0", "TIDINGS_BROKER_URL": "amqp://u:p@mq//"},
            [("::1", 7), ("mq", 5672)],
        ),
        ({"TIDINGS_REDIS_URL": "redis://host:port/0"}, []),
    ],
)
def test_where_redis_is_is_read_from_the_environment(environ: dict[str, str], places: list[tuple[str, int]]) -> None:
    assert list(redis_places(environ)) == places


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "http://shop.internal", "shop.internal:80", "a b", "*"])
def test_what_allows_nobody_is_an_error_that_says_what_to_write(wrong: str) -> None:
    with pytest.raises(
        HandlersError, match=r"TIDINGS_WEBHOOK_ALLOW.*as shop\.internal, nor a network, as 10\.0\.0\.0/8"
    ):
        reach([wrong], {}, "TIDINGS_WEBHOOK_ALLOW")
