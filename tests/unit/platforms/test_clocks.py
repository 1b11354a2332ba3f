"""How far a platform's clock is off, by the Date of its replies, and when calls are signed by it."""

from email.utils import formatdate

import pytest

from tasks import clock
from tasks.platforms import Transient, Unauthorised
from tasks.platforms.clocks import MOST, ahead, correcting, hear, heard, timestamp

URL = "https://eco.example.com/router/rest"
HOST = "eco.example.com"
AT = 1_795_219_200.0


@pytest.mark.parametrize(
    ("date", "sent", "received", "told"),
    [
        (AT, AT, AT, 0.0),
        (AT, AT + 0.9, AT + 0.95, 0.0),  # whole seconds, rounded down
        (AT, AT - 30, AT + 1, 0.0),  # a slow reply tells little
        (AT + 25, AT, AT + 0.1, 24.9),
        (AT + 25, AT - 20, AT + 10, 15.0),
        (AT - 120, AT, AT + 5, -119.0),
    ],
)
def test_a_clock_is_off_by_as_much_as_it_is_at_least(date: float, sent: float, received: float, told: float) -> None:
    assert ahead(date, sent, received) == pytest.approx(told)


@pytest.mark.parametrize(
    "date",
    [None, "", "yesterday", "Thu, 99 Nov 2026 01:00:00 GMT", formatdate(AT + MOST + 60), formatdate(0), "\0" * 9],
)
def test_a_date_that_is_none_says_nothing(date: str | None) -> None:
    hear(HOST, date, AT, AT)
    assert heard(URL) is None


def refuse() -> None:
    with correcting(URL):
        raise Unauthorised("refused", remedy="set it", wrong_time=True, scope="gateway", code="31")


def signed_by(off: float) -> bool:
    """Whether calls are signed by a clock that is so far off ours."""
    at = clock.published(timestamp(URL))
    return at is not None and abs(at.timestamp() - clock.now() - off) < 3


def test_a_date_alone_changes_no_signature() -> None:
    hear(HOST, formatdate(clock.now() + 1500, usegmt=True), clock.now(), clock.now())
    assert signed_by(0)


def test_after_a_refusal_calls_are_signed_by_the_platforms_time_until_that_is_refused() -> None:
    hear(HOST, formatdate(clock.now() + 1500, usegmt=True), clock.now(), clock.now())
    with pytest.raises(Transient, match="signed by it from now on"):
        refuse()
    assert signed_by(1500)
    with pytest.raises(Unauthorised):
        refuse()
    assert signed_by(0), "it was wrong as well"


def test_when_our_clock_is_set_right_calls_are_signed_by_it_again() -> None:
    hear(HOST, formatdate(clock.now() - 1500, usegmt=True), clock.now(), clock.now())
    with pytest.raises(Transient):
        refuse()
    hear(HOST, formatdate(clock.now(), usegmt=True), clock.now(), clock.now())
    with pytest.raises(Transient):
        refuse()
    assert signed_by(0)


def test_without_another_time_a_refusal_stays_one() -> None:
    with pytest.raises(Unauthorised):
        refuse()
    hear(HOST, formatdate(clock.now(), usegmt=True), clock.now(), clock.now())
    with pytest.raises(Unauthorised):
        refuse()
