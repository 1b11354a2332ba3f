"""One Redis address, whatever way it is spelled."""

import ssl
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.address import Address, AddressError, Login, amqp, looked_at, parse

SECRET = "hunter2"
NONE, ONE = Login(), Login("me", "p/w")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:1/2", Address("tcp", (("h", 1),), database=2)),
        ("REDIS://h", Address("tcp", (("h", 6379),))),
        ("redis://me:p%2Fw@h/0", Address("tcp", (("h", 6379),), login=ONE)),
        ("redis://h/0?username=me&password=p%2Fw&db=0", Address("tcp", (("h", 6379),), login=ONE)),
        ("redis://:a:b@h", Address("tcp", (("h", 6379),), login=Login("", "a:b"))),
        ("redis:///4", Address("tcp", (("127.0.0.1", 6379),), database=4)),
        ("redis://[::1]:7/1", Address("tcp", (("::1", 7),), database=1)),
        ("rediss://h/0", Address("tls", (("h", 6379),), tls={"ssl_cert_reqs": "required"})),
        *(
            (f"rediss://h?ssl_cert_reqs={written}", Address("tls", (("h", 6379),), tls={"ssl_cert_reqs": kind}))
            for kind in ("none", "optional", "required")
            for written in (kind, kind.upper(), f"CERT_{kind.upper()}", f"cert_{kind}")
        ),
        ("unix:///run/redis@1.sock?db=3", Address("unix", path="/run/redis@1.sock", database=3)),
        ("unix://me:p%2Fw@/run/r.sock", Address("unix", path="/run/r.sock", login=ONE)),
        ("redis+socket://me:p%2Fw@/r?virtual_host=3", Address("unix", path="/r", database=3, login=ONE)),
        (
            "sentinel://me:p%2Fw@a:1;sentinel://me:p%2Fw@b/4?master=m&sentinel_password=s",
            Address("sentinel", (("a", 1), ("b", 26379)), "", 4, ONE, "m", Login("", "s")),
        ),
        ("sentinel://a/4;sentinel://b/4?master=m", Address("sentinel", (("a", 26379), ("b", 26379)), "", 4, NONE, "m")),
    ],
)
def test_what_is_written_is_understood(url: str, expected: Address) -> None:
    assert parse(url) == expected


@pytest.mark.parametrize(
    ("url", "said"),
    [
        *(
            (f"{scheme}://:{SECRET}{odd}{SECRET}@h:6379/0", "percent-quoted")
            for scheme in ("redis", "rediss", "sentinel", "amqp", "amqps")
            for odd in "#/?[]@ %"
        ),
        *((f"unix://:{SECRET}{odd}{SECRET}@/run/r.sock", "percent-quoted") for odd in "#/?[]@ %"),
        (f"redis://:{SECRET}", "percent-quoted"),
        (f"redis://h/{SECRET}", "the database has to be a number"),
        (f"redis://h:{SECRET}/0", "the port has to be a number from 1 to 65535"),
        ("redis://h:65536/0", "the port has to be a number from 1 to 65535"),
        ("redis://[::x]/0", "IPv6"),
        ("redis://h\nother/0", "percent-quoted"),
        ("redis://:%ff@h/0", "not UTF-8"),
        ("redis://:\udcff@h/0", "not UTF-8"),
        (f"redis://h/0?pasword={SECRET}", "did you mean password"),
        (f"redis://h/0?{SECRET}", "known are"),
        ("redis://h/0?ssl_cert_reqs=none", "ssl_cert_reqs is for rediss://"),
        ("rediss://h/0?ssl_cert_reqs=never", "none, optional or required"),
        ("rediss://h/0?ssl_check_hostname=perhaps", "true or false"),
        ("redis://h/0?socket_timeout=nan", "a number of seconds"),
        ("redis://h/0?socket_timeout=1e300", "from 0.001 to 3600"),
        ("redis://h/0?socket_connect_timeout=1e-9", "from 0.001 to 3600"),
        ("redis://h/0?client_name=a%20b", "a name without spaces"),
        *(
            (f"{scheme}://{host}/0{end}", "a name or an address")
            for scheme, end in (("redis", ""), ("rediss", ""), ("sentinel", "?master=m"), ("amqp", ""), ("amqps", ""))
            for host in (".", "a..b", ".b", "a" * 64 + ".b")
        ),
        ("redis://h/0?db=1&db=2", "two things of db"),
        ("amqp://a;amqps://b", "all of its nodes"),
        ("amqp://a?ssl_ca_certs=/ca", "is for amqps:// only"),
        (f"amqps://a?ssl_{SECRET}=1", "knows ssl_ca_certs"),
        ("amqps://a?ssl_ca_certs=/x;b?ssl_ca_certs=/y", "two things of ssl_ca_certs"),
        ("amqps://a?ssl_cert_reqs=never", "none, optional or required"),
        ("sentinel://a:1/0", "names sentinels but no master"),
        (f"sentinel://:{SECRET}@a;sentinel://:other@b/0?master=m", "two things of password"),
        ("unix://run/redis.sock", "unix:///path/of/socket"),
        (f"postgres://:{SECRET}@h/0", "has to begin"),
        (SECRET, "has to begin"),
    ],
)
def test_what_cannot_be_used_is_told_without_showing_any_of_it(url: str, said: str) -> None:
    with pytest.raises(AddressError, match=said) as refused:
        (looked_at if url.startswith("amqp") else parse)(url)
    assert SECRET not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["amqp://me:p%2Fw@h:5672//", "amqps://h1;amqps://h2/v", "pyamqp://me@[::1]//", "memory://"]
)
def test_another_broker_of_celerys_passes(url: str) -> None:
    looked_at(url)


def test_rabbitmqs_nodes_share_what_is_said_of_tls_which_is_verified() -> None:
    found = amqp("amqps://me:p%2Fw@a/v?ssl_ca_certs=/ca.pem&heartbeat=5;b:5673/v?ssl_certfile=/c&ssl_keyfile=/k")
    assert found.url == "amqps://me:p%2Fw@a/v?heartbeat=5;amqps://b:5673/v"
    files = {"ca_certs": "/ca.pem", "certfile": "/c", "keyfile": "/k"}
    assert found.tls == {**files, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}
    assert found.files == {f"ssl_{name}": path for name, path in files.items()}


def test_rabbitmqs_certificate_is_verified_unless_it_is_said_otherwise() -> None:
    assert amqp("amqps://a").tls == {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}
    assert amqp("amqps://a?ssl_check_hostname=no&ssl_min_version=1.3").tls == {
        "cert_reqs": ssl.CERT_REQUIRED,
        "tls_minimum_version": ssl.TLSVersion.TLSv1_3,
    }
    assert amqp("amqps://a?ssl_cert_reqs=none").tls == {"cert_reqs": ssl.CERT_NONE}
    assert amqp("amqp://a").tls == {}


def test_files_are_found_from_where_the_address_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse("rediss://h?ssl_ca_certs=ca.pem").tls["ssl_ca_certs"] == str(tmp_path / "ca.pem")
    assert amqp("amqps://h?ssl_ca_certs=ca.pem").tls["ca_certs"] == str(tmp_path / "ca.pem")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT, st.integers(0, 15))
def test_any_user_and_password_can_be_quoted_and_is_never_shown(user: str, password: str, database: int) -> None:
    who = f"{quote(user, safe='')}:{quote(password, safe='')}@"
    for url in (
        f"redis://{who}h/{database}",
        f"unix://{who}/r?db={database}",
        f"sentinel://{who}h/{database}?master=m",
    ):
        found = parse(url)
        assert (found.login, found.database) == (Login(user, password), database)
        for shown in (str(found), repr(found), found.without_login()):
            assert quote(password, safe="") not in shown or len(password) < 8
