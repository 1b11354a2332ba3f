"""What a Redis that went back in time explains: messages that are handled once more, and replies of vv-tool that are gone."""

import pytest

from tests.outgrowing.figures import Gone, gone
from tests.unit.chaos.test_verdict import MALL, SHOP, known, row

GONE = [(200.0, 230.0)]
"""What was written between these two moments is lost at the second one."""


@pytest.mark.parametrize(
    ("handled", "confirmed", "again"),
    [
        (210.0, None, 1),
        (210.0, 230.5, 1),
        (210.0, 215.0, 0),
        (199.0, None, 0),
        (231.0, None, 0),
    ],
    ids=["unconfirmed", "confirmed too late", "confirmed in time", "its mark is older", "handled after it"],
)
def test_what_was_handled_meanwhile_and_is_unconfirmed_comes_again(
    handled: float, confirmed: float | None, again: int
) -> None:
    given = known(SHOP, row(deliveries=[198.0], confirmed=confirmed), [handled])
    assert gone(given, GONE) == Gone(again, 0)


@pytest.mark.parametrize(
    ("pulled", "handled", "found"),
    [
        (190.0, [210.0], Gone(1, 0)),
        (190.0, [195.0], Gone(0, 0)),
        (210.0, [215.0], Gone(0, 0)),
        (210.0, [], Gone(0, 1)),
        (229.0, [231.0], Gone(0, 1)),
        (231.0, [], Gone(0, 0)),
    ],
    ids=["in the inbox", "done with before", "pulled and handled", "pulled", "handled after it", "pulled after it"],
)
def test_of_vvtool_the_inbox_is_as_it_was_then(pulled: float, handled: list[float], found: Gone) -> None:
    assert gone(known(MALL, row(deliveries=[pulled]), handled), GONE) == found


def test_a_redis_that_forgot_nothing_explains_nothing() -> None:
    assert gone(known(SHOP, row(), [101.0]), []) == Gone(0, 0)
