"""When a clock that is off is told of, and in which words."""

import pytest

from tasks.rules.skew import AGAIN_SECONDS, SKEW_SECONDS, Said, words, worth_saying

NOW = 1000.0


@pytest.mark.parametrize(
    ("skew", "last", "now", "told"),
    [
        (0.0, None, NOW, False),
        (SKEW_SECONDS, None, NOW, False),
        (SKEW_SECONDS + 0.1, None, NOW, True),
        (-25.0, None, NOW, True),
        (25.0, Said(25.0, 0.0), 10 * AGAIN_SECONDS, False),  # it has been said
        (300.0, Said(25.0, 0.0), 60.0, True),  # an hour of silence would hide the step
        (300.0, Said(25.0, 0.0), AGAIN_SECONDS - 1, False),  # not so soon
        (300.0, Said(25.0, 0.0), AGAIN_SECONDS, True),
        (0.0, Said(25.0, 0.0), AGAIN_SECONDS, True),  # it was mended
    ],
)
def test_a_clock_is_told_of_at_first_and_when_it_has_changed(
    skew: float, last: Said | None, now: float, told: bool
) -> None:
    assert worth_saying(skew, last, now) is told


def test_which_way_it_is_off() -> None:
    assert words(25.2, "this machine's") == "this machine's clock is 25 s ahead of Redis's"
    assert words(-120.0, "worker a@b: its machine's") == "worker a@b: its machine's clock is 120 s behind Redis's"
