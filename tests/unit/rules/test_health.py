"""Who is alive, connected and gets on, from what processes say of themselves."""

from dataclasses import replace

import pytest

from tasks.rules.health import NO_PROGRESS, Standing, fault, progressed, roles, standings
from tasks.store.presence import Presence

BEAT = Presence("beat", "host", 1)
PULL = Presence("worker", "pull@host", 2, queues=("consume", "confirm"))
HANDLE = Presence("worker", "handle@host", 3, queues=("handle", "slow"))


def test_all_is_well_with_one_of_each() -> None:
    assert [(each.role, each.seen, each.working, each.ready) for each in standings([BEAT, PULL, HANDLE], 60)] == [
        ("beat", 1, 1, True),
        ("pullers", 1, 1, True),
        ("handlers", 1, 1, True),
    ]


@pytest.mark.parametrize("missing", [BEAT, PULL, HANDLE])
def test_one_that_is_missing_is_told(missing: Presence) -> None:
    found = standings([each for each in (BEAT, PULL, HANDLE) if each != missing], 60)
    (lacking,) = [each for each in found if not each.ready]
    assert lacking.faults == ("none was seen lately",)


def test_a_worker_of_all_queues_fills_two_roles_and_one_that_only_confirms_none() -> None:
    assert roles(Presence("worker", "all@host", 4, queues=("consume", "handle", "confirm"))) == {"pullers", "handlers"}
    assert roles(Presence("worker", "old@host", 5)) == {"pullers", "handlers"}
    assert roles(Presence("worker", "last@host", 6, queues=("confirm",))) == frozenset()


@pytest.mark.parametrize(
    ("process", "says"),
    [
        (replace(BEAT, loop=31.0), "its main loop has not turned for 31 s"),
        (replace(BEAT, loop=29.0), ""),
        (replace(BEAT, connected=False), "it has no connection to its broker or Redis, or no accounts that it can use"),
        (replace(PULL, polls=121.0), "none of its polls and confirms has ended for 121 s"),
        (replace(PULL, polls=119.0, messages=1000.0), ""),
        (replace(HANDLE, messages=121.0), "none of its messages has ended for 121 s"),
        (replace(HANDLE, messages=119.0, polls=1000.0), ""),
    ],
)
def test_what_keeps_a_process_from_its_work(process: Presence, says: str) -> None:
    (role,) = roles(process)
    assert fault(process, role, handler_seconds=60) == says


def test_one_that_works_is_enough_and_the_other_is_told_of() -> None:
    hung = replace(HANDLE, name="other@host", messages=500.0)
    (handlers,) = [each for each in standings([HANDLE, hung], 60) if each.role == "handlers"]
    assert handlers == Standing("handlers", 2, 1, ("other@host: none of its messages has ended for 500 s",))
    assert handlers.ready


def test_progress_is_a_task_that_has_ended_or_begun() -> None:
    def since(*looks: tuple[str, int]) -> float:
        """When nothing has changed since, with a look each second at these tasks in hand and so many that had begun."""
        progress = NO_PROGRESS
        for now, (ids, begun) in enumerate(looks):
            progress = progressed(progress, frozenset(ids), begun, float(now))
        return progress.since

    assert since(("", 0), ("", 0), ("", 0)) == 2, "nothing to do"
    assert since(("ab", 2), ("ab", 2), ("ab", 2)) == 0, "two hang"
    assert since(("ab", 2), ("abc", 2), ("abcd", 2)) == 0, "more that wait behind them are no progress"
    assert since(("ab", 2), ("a", 2), ("a", 2)) == 1, "one has ended"
    assert since(("a", 1), ("a", 9), ("a", 9)) == 1, "others came and went between two looks"
    assert since(("", 0), ("", 0), ("a", 1), ("a", 1)) == 2, "it is new"
