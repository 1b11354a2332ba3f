"""What goes to a pool process together, and what becomes of it: decisions without processes."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.worker.state import revoked
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks import app
from tasks.names import HANDLE, KIND
from tasks.plumbing.pool.bundle import WENT_WELL, Bundle
from tasks.plumbing.pool.job import Job, kind_of
from tasks.plumbing.pool.pool import TaskPool
from tasks.plumbing.pool.progress import PLACES, Progress
from tasks.plumbing.pool.waiting import AHEAD_SECONDS, MOST, MOST_KINDS, SECONDS, SLOW_SECONDS, Durations, Waiting
from tasks.plumbing.transport import prefetch


def job(kind: str | None = "quick", told: list[tuple[str, str, Any]] | None = None, id_: str = "") -> Job:
    """A job that notes what it is told."""

    def note(whom: str) -> Any:
        return lambda *args, **kwargs: None if told is None else told.append((id_, whom, kwargs or args[0]))

    names = ("callback", "error_callback", "timeout_callback", "accept_callback")
    return Job((print, ()), {"correlation_id": id_, **{name: note(name) for name in names}}, kind)


def durations(**kinds: float) -> Durations:
    found = Durations()
    for kind, seconds in kinds.items():
        found.note(kind, seconds)
    return found


def waiting(kinds: Sequence[str | None], **known: float) -> Waiting:
    found = Waiting(durations(**known))
    for kind in kinds:
        found.add(job(kind))
    return found


def kinds(jobs: Sequence[Job]) -> list[str | None]:
    return [each.kind for each in jobs]


def test_what_is_known_to_be_quick_goes_together_up_to_what_should_be_done_in_time() -> None:
    some = waiting(["quick"] * 50, quick=SECONDS / 5.5)
    assert len(some.take(idle=1)) == 5
    assert len(some) == 45


def test_no_more_go_together_than_saves_anything() -> None:
    assert len(waiting(["quick"] * 100, quick=0.00001).take(idle=1)) == MOST


@pytest.mark.parametrize("known", [{}, {"slow": SECONDS * 2}, {"slow": 30.0}])
def test_what_is_unknown_or_slow_goes_alone(known: dict[str, float]) -> None:
    some = waiting(["slow"] * 3, **known)
    assert [len(some.take(idle=1)) for _ in range(4)] == [1, 1, 1, 0]


def test_a_task_without_a_kind_goes_alone_however_quick_the_others_are() -> None:
    some = waiting([None, None, "quick", "quick"], quick=0.0001)
    assert [kinds(some.take(idle=1)) for _ in range(3)] == [[None], ["quick", "quick"], [None]]


def test_a_slow_kind_waits_for_its_turn_and_does_not_hold_the_quick_ones() -> None:
    some = waiting(["slow"] * 5 + ["quick"] * 5, quick=0.0001, slow=5.0)
    assert [kinds(some.take(idle=1)) for _ in range(3)] == [["slow"], ["quick"] * 5, ["slow"]]


def test_quick_kinds_go_together_in_the_order_of_their_turns() -> None:
    some = waiting(["a", "a", "b", "b"], a=0.001, b=0.001)
    assert kinds(some.take(idle=1)) == ["a", "a", "b", "b"]


def test_idle_processes_share_what_waits() -> None:
    some = waiting(["quick"] * 10, quick=0.0001)
    assert [len(some.take(idle)) for idle in (3, 2, 1)] == [4, 3, 3]


def test_what_was_not_run_comes_first_and_in_its_order() -> None:
    some = Waiting(durations(quick=0.0001))
    jobs = [job(id_=str(n)) for n in range(4)]
    for each in jobs[2:]:
        some.add(each)
    some.put_back(jobs[:2])
    assert some.take(idle=1) == jobs


def test_there_is_room_while_what_waits_is_little_and_quick() -> None:
    assert waiting([]).room(2)
    assert waiting(["quick"] * 20, quick=AHEAD_SECONDS / 20).room(2)
    assert not waiting(["quick"] * 40, quick=AHEAD_SECONDS / 20).room(2), "that much is waiting already"


def test_what_waits_for_an_answer_of_50_ms_has_its_next_ones_here_already_two_by_two() -> None:
    some = waiting(["post"] * 3, post=0.053)
    assert some.room(4)
    some.add(job("post"))
    assert not some.room(4)
    assert [len(some.take(idle=1)) for _ in range(3)] == [2, 2, 0]
    assert len(waiting(["post"] * 4, post=0.053).take(idle=4)) == 1


@pytest.mark.parametrize("known", [{}, {"slow": SLOW_SECONDS * 1.1}])
def test_there_is_no_room_beside_one_that_is_slow_or_unknown(known: dict[str, float]) -> None:
    assert not waiting(["slow"], **known).room(100)


def test_there_is_room_for_more_where_the_broker_is_farther_away() -> None:
    some = waiting(["quick"] * 40, quick=AHEAD_SECONDS / 20)
    assert not some.room(2)
    assert some.room(2, AHEAD_SECONDS)


def test_what_the_processes_lack_is_what_they_are_through_with_meanwhile_and_does_not_wait_here_yet() -> None:
    some = waiting(["quick"] * 3, quick=0.005)
    assert some.lacks(4, 0.1) == 77
    assert some.lacks(4, 0.0) == 0
    assert waiting(["new"]).lacks(4, 0.1) == 0, "nothing is known of it"


def test_nothing_is_taken_ahead_of_a_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pool: Any = TaskPool(4, app=app)
    pool._pool, pool._waiting = SimpleNamespace(_processes=4), waiting([], quick=0.001)
    monkeypatch.setattr(prefetch, "away", 0.01)
    assert pool._lacks() == 120
    monkeypatch.setitem(app.tasks, HANDLE, SimpleNamespace(rate_limit="5/s"))
    assert pool._lacks() == 0


def test_durations_follow_what_tasks_take_lately_and_remember_a_slow_one() -> None:
    found = durations(quick=0.001)
    found.note("quick", 1.0)
    assert 0.05 < found.expected("quick") < 0.1
    for _ in range(200):
        found.note("quick", 0.001)
    assert found.expected("quick") < 0.0011


def test_no_more_kinds_are_remembered_than_fit() -> None:
    found = Durations()
    for n in range(3 * MOST_KINDS):
        found.note(str(n), 1.0)
    assert len(found._means) <= MOST_KINDS


def test_a_kind_is_what_the_headers_of_a_task_say() -> None:
    assert kind_of(("handle", "id", {KIND: "trade"}, "body")) == "trade"
    assert kind_of(("consume", "id", {}, "body")) is None
    assert kind_of(()) is None


def test_progress_is_seen_by_its_own_bundle_only() -> None:
    progress = Progress()
    first, second = progress.ticket(), progress.ticket()
    progress.set(first, 3, 4)
    assert progress.get(first) == (3, 4)
    assert progress.get(second) == (0, 0)


def test_a_place_that_another_bundle_has_overwritten_tells_nothing() -> None:
    progress = Progress()
    first = progress.ticket()
    progress.set(first, 3, 4)
    progress.set(first + PLACES, 1, 1)
    assert progress.get(first) == (0, 0)


class Case:
    """A bundle of four jobs, with what they were told and what is to be run again."""

    def __init__(self, done: int = 0, runs: int = 0) -> None:
        self.told: list[tuple[str, str, Any]] = []
        self.jobs = [job(told=self.told, id_=str(n)) for n in range(4)]
        self.again: list[Job] = []
        self.bundle = Bundle(self.jobs, lambda: (done, runs), self.again.extend)


def ended_by(error: Exception) -> ExceptionInfo:
    try:
        raise error
    except type(error):
        return ExceptionInfo()


def test_each_job_is_told_its_own_end_and_what_was_not_begun_is_run_again() -> None:
    case, broken = Case(), ended_by(ValueError())
    case.bundle.ended([(True, (0, "a", 0.1), 0.0), (False, broken, 0.0)])
    assert case.told == [("0", "callback", (0, "a", 0.1)), ("1", "error_callback", broken)]
    assert case.again == case.jobs[2:]


def test_a_lost_process_costs_the_job_that_it_ran_only() -> None:
    case, lost = Case(done=2, runs=2), ended_by(WorkerLostError())
    case.bundle.failed(lost)
    assert case.told == [
        ("0", "callback", WENT_WELL),
        ("1", "callback", WENT_WELL),
        ("2", "error_callback", lost),
    ]
    assert case.again == [case.jobs[3]]


def test_what_has_ended_but_may_not_have_reached_redis_is_run_again() -> None:
    case, lost = Case(done=1, runs=3), ended_by(WorkerLostError())
    case.bundle.failed(lost)
    assert case.told == [("0", "callback", WENT_WELL), ("3", "error_callback", lost)]
    assert case.again == case.jobs[1:3]


def test_a_process_that_was_lost_behind_its_last_job_costs_that_one() -> None:
    case, lost = Case(done=4, runs=4), ended_by(WorkerLostError())
    case.bundle.failed(lost)
    assert case.told[-1] == ("3", "error_callback", lost)
    assert [whom for _, whom, _ in case.told] == ["callback"] * 3 + ["error_callback"]
    assert case.again == []


def test_a_time_limit_is_that_of_the_job_that_runs_also_after_its_place_tells_nothing_any_more() -> None:
    place = [(1, 1)]
    told: list[tuple[str, str, Any]] = []
    bundle = Bundle([job(told=told, id_=str(n)) for n in range(3)], lambda: place[0], lambda _: None)
    over = ended_by(TimeLimitExceeded(9.0))
    bundle.failed(over)
    place[0] = (0, 0)
    bundle.timed_out(soft=False, timeout=9.0)
    assert told[1:] == [("1", "error_callback", over), ("1", "timeout_callback", {"soft": False, "timeout": 9.0})]


def test_a_process_that_is_ended_for_one_revoked_job_does_not_revoke_the_others() -> None:
    case, killed = Case(done=1, runs=1), ended_by(Terminated(15))
    revoked.add("2")
    try:
        case.bundle.failed(killed)
    finally:
        revoked.discard("2")
    (_, first), (where, second), (revoked_one, third) = [(id_, value) for id_, _, value in case.told]
    assert (first, where, revoked_one) == (WENT_WELL, "1", "2")
    assert second.type is WorkerLostError
    assert third is killed
    assert case.again == [case.jobs[3]]


def test_what_breaks_in_one_jobs_callback_is_not_the_others_matter(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, str, Any]] = []

    def breaks(*_: Any) -> None:
        raise ValueError("broken")

    bad = Job((print, ()), {"callback": breaks}, "quick")
    Bundle([bad, job(told=told)], lambda: (0, 0), lambda _: None).ended(
        [(True, WENT_WELL, 0.0), (True, WENT_WELL, 0.0)]
    )
    assert told == [("", "callback", WENT_WELL)]
    assert "callback" in caplog.text


def test_all_jobs_of_a_bundle_are_told_when_a_process_takes_it() -> None:
    case = Case()
    case.bundle.accepted(123, 4.0)
    assert case.told == [(str(n), "accept_callback", 123) for n in range(4)]


def test_what_waits_behind_a_job_that_takes_long_is_run_elsewhere_and_not_heard_of_again() -> None:
    case = Case(runs=1)
    assert case.bundle.withdraw() == case.jobs[2:]
    case.bundle.ended([(True, WENT_WELL, 0.0)] * 4)
    assert case.told == [("0", "callback", WENT_WELL), ("1", "callback", WENT_WELL)]
    assert case.again == []


@pytest.mark.parametrize("runs", [3, 4])
def test_behind_the_last_job_nothing_waits(runs: int) -> None:
    assert Case(runs=runs).bundle.withdraw() == []


def test_a_process_that_is_lost_after_others_were_taken_from_it_costs_the_job_that_it_ran_only() -> None:
    case, lost = Case(done=1, runs=1), ended_by(WorkerLostError())
    case.bundle.withdraw()
    case.bundle.failed(lost)
    assert case.told == [("0", "callback", WENT_WELL), ("1", "error_callback", lost)]
    assert case.again == []


def test_a_redis_that_is_away_when_a_task_has_ended_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Each task whose process was killed in an outage left two tracebacks."""

    def lost(*_: Any) -> None:
        raise RedisConnectionError("Error 111 connecting to 127.0.0.1:6379. Connection refused.")

    for _ in range(3):
        Job((print, ()), {"error_callback": lost}, "quick").tell("error_callback", None)
    [line] = caplog.records
    assert line.exc_info is None
    assert "Redis or the broker does not answer" in line.getMessage()
