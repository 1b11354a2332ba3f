"""Addresses as they may be shown."""

import pytest

from tasks.commands.masking import masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:hunter2@127.0.0.1:6379/0", "redis://***@127.0.0.1:6379/0"),
        ("rediss://me:hunter2@host/1?ssl_cert_reqs=required", "rediss://***@host/1?ssl_cert_reqs=required"),
        ("redis://me:hunter@2@host/1", "redis://***@host/1"),
        ("unix:///run/redis.sock?db=1&password=hunter2", "unix:///run/redis.sock?db=1&password=***"),
        (
            "sentinel://:hunter2@a:26379;sentinel://:hunter2@b/0?master=m",
            "sentinel://***@a:26379;sentinel://***@b/0?master=m",
        ),
        ("amqp://guest:hunter2@rabbit//", "amqp://***@rabbit//"),
        ("Error 111 connecting to redis://:hunter2@host:1.", "Error 111 connecting to redis://***@host:1."),
    ],
)
def test_who_logs_in_and_with_what_is_never_shown(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert "hunter" not in masked(url)
