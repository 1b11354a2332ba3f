"""How many threads may have files open, and what the system is asked for."""

import resource

import pytest

from tasks.plumbing import open_files

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "asked", "fits"),
    [
        (1024, 524288, None, 100),
        (UNLIMITED, UNLIMITED, None, 100),
        (256, UNLIMITED, 364, 100),
        (256, 524288, 364, 100),
        (256, 256, 256, 64),
        (64, 64, 64, 1),
    ],
)
def test_a_worker_asks_for_the_files_it_needs_and_does_with_those_it_may_have(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, asked: int | None, fits: int
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: told.append(limits))
    assert open_files.enough(100) == fits
    assert told == ([] if asked is None else [(asked, hard)])


@pytest.mark.parametrize(
    ("soft", "hard", "asked", "fits"),
    [(64, 64, 64, 4), (40, 40, 40, 0), (256, 524288, 664, 100), (1024, 524288, None, 100), (256, 300, 300, 44)],
)
def test_a_pool_gets_the_files_that_its_processes_need_or_is_told_for_how_many_they_are_enough(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, asked: int | None, fits: int
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: told.append(limits))
    assert open_files.enough_for_processes(100) == fits
    assert told == ([] if asked is None else [(asked, hard)])
    assert fits == 100 or open_files.least(fits) <= hard < open_files.least(fits + 1) or fits == 0


def test_a_system_that_gives_no_more_is_done_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, UNLIMITED))
    monkeypatch.setattr(resource, "setrlimit", refuses)
    assert open_files.enough(100) == 64
