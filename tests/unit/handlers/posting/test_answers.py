"""What an answer means."""

import time
from email.utils import formatdate

import pytest

from handlers import Reject, Retry
from handlers.posting.answers import judge, seconds


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_is_handled(status: int) -> None:
    judge(status, "5", "https://shop.example")


@pytest.mark.parametrize("status", [410, 422])
def test_what_no_retry_can_mend_is_rejected(status: int) -> None:
    with pytest.raises(Reject, match=f"https://shop.example answered {status}"):
        judge(status, None, "https://shop.example")


@pytest.mark.parametrize("status", [103, 300, 301, 302, 304, 400, 401, 403, 404, 409, 429, 500, 503, 599, 999])
def test_all_else_is_tried_again(status: int) -> None:
    with pytest.raises(Retry, match=f"answered {status}") as caught:
        judge(status, "7", "https://shop.example")
    assert caught.value.delay == 7.0
    assert ("redirects are not followed" in caught.value.reason) is (300 <= status < 400)


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        (None, None),
        ("", None),
        ("0", None),
        ("120", 120.0),
        (" 1 ", 1.0),
        ("9" * 400, 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), None),
        (time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(NOW + 90)), 90.0),
        (time.asctime(time.gmtime(NOW + 90)), 90.0),
        (formatdate(NOW + 1e6, usegmt=True), 86_400.0),
        ("Fri, 31 Feb 2027 99:99:99 GMT", None),
    ],
)
def test_how_long_a_receiver_asks_to_wait(told: str | None, wait: float | None) -> None:
    assert seconds(told, NOW) == wait


def test_a_date_is_seen_from_the_answers_own_clock() -> None:
    """The receiver's may be an hour off."""
    written = time.time() - 3600
    with pytest.raises(Retry) as caught:
        judge(503, formatdate(written + 90, usegmt=True), "https://shop.example", formatdate(written, usegmt=True))
    assert caught.value.delay == 90.0
    with pytest.raises(Retry) as caught:
        judge(503, formatdate(time.time() + 90, usegmt=True), "https://shop.example", "soon")
    assert caught.value.delay == pytest.approx(90, abs=5)
