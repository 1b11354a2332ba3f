"""One Redis address in three dialects."""

import pytest

from tasks import urls


@pytest.mark.parametrize(
    ("url", "broker", "results"),
    [
        ("redis://h:1/2", "redis://h:1/2", "tasks.plumbing.backend:QuietRedisBackend+redis://h:1/2"),
        (
            "rediss://h/0",
            "rediss://h/0?ssl_cert_reqs=required",
            "tasks.plumbing.backend:QuietRedisBackend+rediss://h/0?ssl_cert_reqs=required",
        ),
        (
            "unix:///run/redis.sock?db=3",
            "redis+socket:///run/redis.sock?virtual_host=3",
            "tasks.plumbing.backend:QuietRedisBackend+socket:///run/redis.sock?virtual_host=3",
        ),
        (
            "sentinel://a:1;sentinel://b:2/0?master=m",
            "sentinel://a:1;sentinel://b:2/0",
            "tasks.plumbing.backend:QuietSentinelBackend+sentinel://a:1;sentinel://b:2/0",
        ),
    ],
)
def test_an_address_is_written_for_broker_and_results(url: str, broker: str, results: str) -> None:
    assert urls.for_broker(url) == broker
    assert urls.for_results(url) == results


def test_a_certificate_check_that_was_chosen_is_kept() -> None:
    assert urls.with_verified_tls("rediss://h/0?ssl_cert_reqs=none") == "rediss://h/0?ssl_cert_reqs=none"


def test_sentinels_are_taken_apart() -> None:
    found = urls.sentinel("sentinel://:pw@a:1;sentinel://b/4?master=main")
    assert found == urls.Sentinel((("a", 1), ("b", 26379)), "main", 4, "pw")


@pytest.mark.parametrize("url", ["sentinel://a:1/0", "sentinel://a:1/zero?master=m"])
def test_a_sentinel_address_that_cannot_work_says_what_is_missing(url: str) -> None:
    with pytest.raises(ValueError, match="TIDINGS_REDIS_URL"):
        urls.sentinel(url)
