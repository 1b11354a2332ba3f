"""TLS to Redis: one context for many connections, and another one as soon as a file of its is another."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from tasks.address import parse
from tasks.plumbing.transport.channel import Channel, SentinelChannel
from tasks.store import tls
from tasks.store.connection import made

NEEDS = pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make a certificate with")


def authority(path: Path) -> str:
    """A certificate that signs itself, in this file."""
    made_ = "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"
    words = [*made_, "-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    return str(path)


def context(file: str, turn: float = 0) -> ssl.SSLContext:
    """What a connection gets that trusts this file."""
    terms = tls.Terms(ssl.CERT_REQUIRED, True, file, None, None, None, None, None)
    return tls.made(terms, tls.stamps((file, None, None, None)), turn)


@NEEDS
def test_connections_share_a_context_until_a_file_changes_or_some_time_has_passed(tmp_path: Path) -> None:
    file = authority(tmp_path / "ca.pem")
    first = context(file)
    assert context(file) is first
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname
    assert context(file, 1) is not first
    before = {each["serialNumber"] for each in first.get_ca_certs()}
    authority(Path(file))
    assert {each["serialNumber"] for each in context(file).get_ca_certs()} != before


def test_a_file_that_has_gone_is_no_authority_any_more(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        context(str(tmp_path / "gone.pem"))


def test_every_way_to_a_redis_that_speaks_tls_shares_it() -> None:
    to_one = made(parse("rediss://localhost:1/0"))
    assert to_one.connection_pool.connection_class is tls.Tls
    watched = made(parse("sentinel://localhost:1/0?master=m&ssl=true")).connection_pool
    assert watched.connection_class is tls.SentinelTls
    assert [each.connection_pool.connection_class for each in watched.sentinel_manager.sentinels] == [tls.Tls]
    assert made(parse("redis://localhost:1/0")).connection_pool.connection_class is not tls.Tls
    assert (Channel.connection_class_ssl, SentinelChannel.connection_class_ssl) == (tls.Tls, tls.SentinelTls)
