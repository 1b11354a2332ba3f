"""A gateway's limits on a real Valkey, in a time that only the test moves: what may leave when, who is next, what is left."""

import heapq
import math
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from redis import Redis

from tasks.rules.allowance import Limits
from tasks.store.quota import ARRIVES_SECONDS, KEEP_SECONDS, MIDNIGHT_SECONDS, PutOff, Quota, Turn, day_key
from tests.integration.guarantees.clock import TIME, take_over_scripts

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=8))).timestamp()
MIDNIGHT = NOON + 12 * 3600
TEN = Limits(calls_per_second=10)


class Time:
    """What the scripts take for the time."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.go(NOON)

    def go(self, now: float) -> None:
        self.now = now
        seconds, micros = divmod(round(now * 1_000_000), 1_000_000)
        self._redis.hset(TIME, mapping={"seconds": seconds, "micros": micros})


@pytest.fixture
def clock(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Time:
    """Noon in GMT+8."""
    take_over_scripts(monkeypatch)
    return Time(redis)


@pytest.fixture
def quota(clock: Time, redis: Redis) -> Quota:
    """A quota of which nothing is used."""
    return Quota(redis)


def taken(found: Turn | PutOff) -> Turn:
    assert isinstance(found, Turn), found
    return found


def put_off(found: Turn | PutOff) -> PutOff:
    assert isinstance(found, PutOff), found
    return found


def pull(quota: Quota, limits: Limits, account: str = "shop") -> Turn | PutOff:
    return quota.take("tb", limits, "pull", account)


def call(quota: Quota, limits: Limits, *, got: int = 1, points: int | None = 0) -> bool:
    """One pull from its beginning to its end; whether it was allowed."""
    found = pull(quota, limits)
    if isinstance(found, PutOff):
        return False
    quota.settle("tb", limits, found, points=points, owed=0 if got else limits.owed)
    return True


def densest(times: Sequence[float], span: float) -> int:
    """The most of these times within a span, wherever it begins."""
    times = sorted(times)
    return max(bisect_right(times, at + span - 1e-6) - place for place, at in enumerate(times))


class Workers:
    """Workers that pull for ever by turns: `there` and `back` say how long each request and each reply takes.

    `die` tells whether a worker is killed before its reply comes; another takes its place.
    """

    def __init__(self, quota: Quota, clock: Time, limits: Limits, number: int) -> None:
        self._quota, self._clock, self._limits, self._number = quota, clock, limits, number
        self.arrived: list[float] = []

    def run(
        self,
        seconds: float,
        there: Callable[[], float],
        back: Callable[[], float],
        die: Callable[[], bool] = lambda: False,
    ) -> None:
        events: list[tuple[float, int, Turn | None]] = [(NOON, worker, None) for worker in range(self._number)]
        while events[0][0] < NOON + seconds:
            now, worker, ended = heapq.heappop(events)
            self._clock.go(now)
            if ended is not None:
                self._quota.settle("tb", self._limits, ended, points=0)
            found = pull(self._quota, self._limits, f"{worker}")
            if isinstance(found, PutOff):
                heapq.heappush(events, (now + 0.1, worker, None))
                continue
            arrives = now + found.wait + there()
            self.arrived.append(arrives)
            heapq.heappush(events, (now + 5, worker, None) if die() else (arrives + back(), worker, found))


@pytest.mark.parametrize(
    ("per_second", "span", "most"), [(10.0, 1.0, 10), (3.0, 1.0, 3), (2.5, 1.0, 2), (1.0, 1.0, 1), (0.5, 2.0, 1)]
)
@pytest.mark.parametrize("seed", range(2))
def test_no_span_of_a_second_sees_a_call_too_many_however_long_requests_are_on_their_way(
    quota: Quota, clock: Time, per_second: float, span: float, most: int, seed: int
) -> None:
    dice = random.Random(seed)
    workers = Workers(quota, clock, Limits(per_second), 8)
    workers.run(15, lambda: dice.choice([0.001, 0.01, 0.3, 0.9]), lambda: dice.choice([0.001, 0.2, 4.0]))
    assert densest(workers.arrived, span) <= most
    assert len(workers.arrived) > 5


@pytest.mark.parametrize("way", [0.002, 0.05, 0.2])
def test_a_steady_way_to_the_platform_leaves_most_of_the_limit_to_use(quota: Quota, clock: Time, way: float) -> None:
    dice = random.Random(1)

    def taking() -> float:
        return way * (1 + 0.1 * dice.random())

    workers = Workers(quota, clock, TEN, 8)
    workers.run(40, taking, taking)
    assert densest(workers.arrived, 1) == 10
    late = [at for at in workers.arrived if at > NOON + 15]
    assert len(late) >= 0.95 * 10 * 25


def test_calls_are_spread_over_the_second(quota: Quota, clock: Time) -> None:
    waits = [taken(pull(quota, TEN, f"{number}")).wait for number in range(3)]
    assert waits == pytest.approx([0, 0.1, 0.2])


def test_what_killed_workers_took_is_free_again_soon(quota: Quota, clock: Time) -> None:
    dice = random.Random(2)
    workers = Workers(quota, clock, TEN, 8)
    workers.run(30, lambda: 0.002, lambda: 0.002, lambda: dice.random() < 0.05)
    assert densest(workers.arrived, 1) <= 10
    assert len(workers.arrived) > 0.8 * 300


def test_a_call_that_never_ends_counts_for_a_while_only(quota: Quota, clock: Time) -> None:
    one = Limits(calls_per_second=1)
    taken(pull(quota, one))
    clock.go(NOON + 1 + ARRIVES_SECONDS - 0.3)
    put_off(pull(quota, one))
    clock.go(NOON + 1 + ARRIVES_SECONDS)
    taken(pull(quota, one))


def test_a_clock_set_back_stops_nobody(quota: Quota, clock: Time) -> None:
    for _ in range(3):
        assert call(quota, TEN)
    clock.go(NOON - 7200)
    assert taken(pull(quota, TEN)).wait == 0


def test_what_is_carried_over_counts_besides_what_was_used_under_the_new_name(quota: Quota, clock: Time) -> None:
    limits = Limits(calls_per_second=1.0, points_per_day=100)
    for gateway, points in (("before", 7), ("after", 5)):
        turn = taken(quota.take(gateway, limits, "pull", "shop"))
        quota.settle(gateway, limits, turn, points=points)
    for _ in range(2):
        quota.carry_over("before", "after")
        before, after = quota.used_many(["before", "after"], clock.now).values()
        assert (before.calls, before.points) == (0, 0)
        assert (after.by_api["pull"], after.points, after.dearest) == (2, 12, 7)
    assert put_off(quota.take("after", limits, "confirm", "shop")).wait > 0
    assert quota.redis.ttl(day_key("after", clock.now)) > KEEP_SECONDS - 60


def test_a_call_under_way_counts_for_the_second_of_the_new_name(quota: Quota, clock: Time) -> None:
    limits = Limits(calls_per_second=1.0)
    taken(quota.take("before", limits, "confirm", "shop"))
    quota.carry_over("before", "after")
    put_off(quota.take("after", limits, "confirm", "shop"))
    clock.go(clock.now + 2.1)
    assert taken(quota.take("after", limits, "confirm", "shop")).wait == 0


def test_gateways_do_not_share_their_limits(quota: Quota) -> None:
    one = Limits(calls_per_second=1, calls_per_day=1)
    taken(quota.take("a", one, "confirm", "shop"))
    taken(quota.take("b", one, "confirm", "shop"))
    put_off(quota.take("a", one, "confirm", "shop"))


DUE = "tidings:due:consume"


class Floor:
    """Accounts at one gateway: each comes when it is due, or at once when it is called in, and its call takes a moment."""

    def __init__(self, quota: Quota, clock: Time, redis: Redis, limits: Limits) -> None:
        self._quota, self._clock, self._redis, self._limits = quota, clock, redis, limits
        self._under_way: list[tuple[float, str, Turn]] = []
        self.pulls: list[tuple[float, str]] = []
        self.looks = 0

    def due(self, account: str, at: float) -> None:
        self._redis.zadd(DUE, {account: at})

    def run(self, until: float, again: Callable[[str], float] = lambda _: 1000, gone: Sequence[str] = ()) -> None:
        while (now := min(self._next_due(), self._next_end())) < until:
            self._clock.go(now)
            if self._next_end() == now:
                _, account, ended = heapq.heappop(self._under_way)
                self.due(account, now + again(account))
                for _, name in self._quota.settle("tb", self._limits, ended, points=0, claim=20):
                    self.due(name, now + 0.02)
            else:
                account = str(self._redis.zrange(DUE, 0, 0)[0])
                self.due(account, now + 20)
                if account not in gone:
                    self._look(now, account)

    def _next_due(self) -> float:
        first = self._redis.zrange(DUE, 0, 0, withscores=True)
        return max(self._clock.now, float(first[0][1])) if first else math.inf

    def _next_end(self) -> float:
        return self._under_way[0][0] if self._under_way else math.inf

    def _look(self, now: float, account: str) -> None:
        self.looks += 1
        found = pull(self._quota, self._limits, account)
        if isinstance(found, PutOff):
            self.due(account, now + found.wait)
        else:
            self.pulls.append((now + found.wait, account))
            heapq.heappush(self._under_way, (now + found.wait + 0.01, account, found))


@pytest.fixture
def floor(quota: Quota, clock: Time, redis: Redis) -> Floor:
    """A gateway of ten calls a second, and nobody there yet."""
    return Floor(quota, clock, redis, TEN)


def test_accounts_due_at_once_are_pulled_in_turn_and_look_twice_at_the_most(floor: Floor) -> None:
    names = [f"shop {number}" for number in range(300)]
    for place, name in enumerate(names):
        floor.due(name, NOON + place / 1000)
    floor.run(NOON + 33)
    assert [name for _, name in sorted(floor.pulls)] == names
    assert floor.looks <= 2 * len(names)


def test_accounts_that_are_always_due_get_the_same_share(floor: Floor) -> None:
    for number in range(50):
        floor.due(f"{number}", NOON + number / 1000)
    floor.run(NOON + 30, lambda _: 0.1)
    shares = Counter(name for _, name in floor.pulls)
    assert len(floor.pulls) >= 0.95 * 300
    assert max(shares.values()) - min(shares[f"{number}"] for number in range(50)) <= 1
    assert floor.looks <= 2.2 * len(floor.pulls)


def test_a_loud_account_goes_behind_those_that_wait(floor: Floor) -> None:
    for number in range(30):
        floor.due(f"quiet {number}", NOON + number / 1000)
    floor.due("loud", NOON + 0.1)
    floor.run(NOON + 20, lambda name: 0.0 if name == "loud" else 1.0)
    times = {name: [at for at, other in sorted(floor.pulls) if other == name] for _, name in floor.pulls}
    assert len(times) == 31
    for name, pulls in times.items():
        assert max(after - before for before, after in pairwise(pulls)) < 5, name


def test_who_is_called_in_and_does_not_come_holds_nobody_up(quota: Quota, clock: Time, floor: Floor) -> None:
    names = [f"{number}" for number in range(120)]
    for place, name in enumerate(names):
        floor.due(name, NOON + place / 1000)
    floor.run(NOON + 0.5)
    gone = names[20:30]
    floor.run(NOON + 25, gone=gone)
    assert {name for _, name in floor.pulls} == set(names) - set(gone)
    clock.go(NOON + 40)
    assert call(quota, TEN)
    assert quota.waiting("tb") == 0


def test_a_line_where_every_call_was_lost_starts_again_by_itself(quota: Quota, clock: Time, floor: Floor) -> None:
    for number in range(5):
        pull(quota, TEN, f"killed {number}")
    waits = {f"{number}": put_off(pull(quota, TEN, f"{number}")).wait for number in range(20)}
    for name, wait in waits.items():
        floor.due(name, NOON + wait)
    floor.run(NOON + 20)
    assert {name for _, name in floor.pulls} >= set(waits)


def test_a_confirm_goes_before_every_pull_that_waits_in_line(quota: Quota, clock: Time) -> None:
    for number in range(20):
        pull(quota, TEN, f"{number}")
    assert quota.waiting("tb") == 17
    assert taken(quota.take("tb", TEN, "confirm", "shop")).wait == pytest.approx(0.3)
    assert quota.waiting("tb") == 17


def test_a_confirm_with_no_turn_soon_is_told_how_long_and_takes_no_place(quota: Quota, clock: Time) -> None:
    slow = Limits(calls_per_second=0.5)
    taken(quota.take("tb", slow, "confirm", "shop"))
    assert put_off(quota.take("tb", slow, "confirm", "shop")).wait == pytest.approx(3)
    assert quota.waiting("tb") == 0


def test_due_times_of_those_who_are_called_in_move(quota: Quota, clock: Time, redis: Redis) -> None:
    slow = Limits(calls_per_second=1)
    redis.zadd("tidings:due:consume", {"waits": NOON + 900, "other": NOON + 900})
    first = taken(pull(quota, slow))
    put_off(pull(quota, slow, "waits"))
    clock.go(NOON + 0.01)
    assert quota.settle("tb", slow, first, points=0, claim=20) == []
    assert redis.zscore("tidings:due:consume", "waits") == pytest.approx(NOON + 1.01 - slow.patience("pull"))
    assert redis.zscore("tidings:due:consume", "other") == NOON + 900


def test_counts_wait_in_the_same_line_and_are_called_in_as_counts(quota: Quota, clock: Time, redis: Redis) -> None:
    redis.zadd("tidings:due:count", {"shop": NOON + 900})
    calls = [taken(pull(quota, TEN, f"{number}")) for number in range(3)]
    put_off(quota.take("tb", TEN, "count", "shop"))
    clock.go(NOON + 0.1)
    assert quota.settle("tb", TEN, calls[0], points=0, claim=20) == [("count", "shop")]
    assert redis.zscore("tidings:due:count", "shop") == pytest.approx(NOON + 20.1)


def test_a_limit_that_changes_counts_at_once_and_dissolves_the_line(quota: Quota, clock: Time) -> None:
    for number in range(50):
        pull(quota, TEN, f"{number}")
    assert quota.waiting("tb") == 47
    clock.go(NOON + 0.5)
    assert taken(pull(quota, Limits(calls_per_second=1000), "49")).wait == 0
    assert quota.waiting("tb") == 0


DAY = Limits(calls_per_day=10, owed=1)


def test_a_spare_confirm_takes_nothing_that_is_kept_for_the_confirms_of_open_batches(quota: Quota) -> None:
    for _ in range(4):
        assert call(quota, DAY)
    spare = taken(quota.take("tb", DAY, "confirm", "shop", spare=True))
    quota.settle("tb", DAY, spare, points=0)
    assert quota.used("tb", NOON).owed == 4
    spare = taken(quota.take("tb", DAY, "confirm", "shop", spare=True))
    quota.settle("tb", DAY, spare, points=0)
    put_off(quota.take("tb", DAY, "confirm", "shop", spare=True))
    for _ in range(4):
        quota.settle("tb", DAY, taken(quota.take("tb", DAY, "confirm", "shop")), points=0, owed=1)
    put_off(quota.take("tb", DAY, "confirm", "shop"))


def test_pulls_leave_the_calls_that_the_confirms_of_open_batches_need(quota: Quota, clock: Time) -> None:
    assert [call(quota, DAY) for _ in range(6)] == [True] * 5 + [False]
    confirms = [quota.take("tb", DAY, "confirm", "shop") for _ in range(6)]
    assert [isinstance(found, Turn) for found in confirms] == [True] * 5 + [False]


def test_an_empty_pull_keeps_no_call_for_its_confirm(quota: Quota, clock: Time) -> None:
    assert [call(quota, DAY, got=0) for _ in range(10)] == [True] * 9 + [False]
    assert quota.used("tb", NOON).owed == 0


def test_a_confirm_that_is_not_needed_frees_the_call_kept_for_it(quota: Quota, clock: Time) -> None:
    for _ in range(5):
        assert call(quota, DAY)
    assert not call(quota, DAY)
    quota.give_back("tb", 2)
    assert call(quota, DAY)
    quota.give_back("tb", 100)
    assert quota.used("tb", NOON).owed == 0


def test_calls_kept_for_confirms_put_a_pull_off_for_a_moment_and_spent_ones_until_midnight(
    quota: Quota, clock: Time
) -> None:
    for _ in range(5):
        assert call(quota, DAY)
    soon = put_off(pull(quota, DAY))
    assert (soon.spent, soon.wait < 60) == ("", True)
    for _ in range(5):
        taken(quota.take("tb", DAY, "confirm", "shop"))
    spent = put_off(pull(quota, DAY))
    assert spent.spent == "calls"
    assert MIDNIGHT - NOON < spent.wait < MIDNIGHT - NOON + 60
    assert put_off(quota.take("tb", DAY, "confirm", "shop")).wait == pytest.approx(MIDNIGHT + MIDNIGHT_SECONDS - NOON)


def test_a_spent_day_is_told_once_for_each_limit(quota: Quota, clock: Time) -> None:
    assert call(quota, Limits(calls_per_day=1))
    again = [put_off(pull(quota, Limits(calls_per_day=1), f"{number}")).first for number in range(3)]
    assert again == [True, False, False]
    assert call(quota, Limits(calls_per_day=2))
    assert put_off(pull(quota, Limits(calls_per_day=2))).first


def test_a_new_day_begins_at_midnight_in_gmt_8(quota: Quota, clock: Time) -> None:
    one = Limits(calls_per_day=1)
    assert call(quota, one)
    clock.go(MIDNIGHT - 60)
    wait = put_off(pull(quota, one)).wait
    clock.go(MIDNIGHT + MIDNIGHT_SECONDS)
    assert 60 <= wait <= 60 + MIDNIGHT_SECONDS + 1
    assert call(quota, one)
    assert quota.used("tb", NOON).calls == quota.used("tb", MIDNIGHT).calls == 1


@pytest.mark.parametrize("at", [MIDNIGHT - 2, MIDNIGHT + 2])
def test_a_call_at_midnight_counts_for_both_days(quota: Quota, clock: Time, at: float) -> None:
    clock.go(at)
    assert call(quota, Limits(calls_per_day=1))
    assert quota.used("tb", NOON).calls == quota.used("tb", MIDNIGHT).calls == 1
    clock.go(MIDNIGHT + 60)
    assert put_off(pull(quota, Limits(calls_per_day=1))).wait > 80_000


def test_a_thousand_that_wait_for_another_day_do_not_come_in_the_same_second(quota: Quota, clock: Time) -> None:
    assert call(quota, Limits(calls_per_day=1))
    back = []
    for number in range(1000):
        clock.go(NOON + number / 1000)
        back.append(clock.now + put_off(pull(quota, Limits(calls_per_day=1), f"{number}")).wait)
    assert densest(back, 1) <= 101


def test_a_raised_limit_of_the_day_counts_at_once(quota: Quota, clock: Time) -> None:
    assert call(quota, Limits(calls_per_day=1))
    assert not call(quota, Limits(calls_per_day=1))
    assert call(quota, Limits(calls_per_day=2))
    assert not call(quota, Limits(calls_per_day=2))
    assert call(quota, Limits())


POINTS = Limits(points_per_day=20)


def test_points_are_set_aside_before_a_call_and_settled_after_it(quota: Quota, clock: Time) -> None:
    first = taken(pull(quota, POINTS))
    assert (quota.used("tb", NOON).points, quota.used("tb", NOON).held) == (1, 1)
    quota.settle("tb", POINTS, first, points=7)
    used = quota.used("tb", NOON)
    assert (used.points, used.held, used.dearest) == (7, 0, 7)
    second = taken(pull(quota, POINTS))
    assert quota.used("tb", NOON).points == 14
    quota.settle("tb", POINTS, second, points=0)
    assert quota.used("tb", NOON).points == 7


def test_calls_under_way_never_cost_more_than_is_left(quota: Quota, clock: Time) -> None:
    assert call(quota, POINTS, points=6)
    under_way = [taken(pull(quota, POINTS)) for _ in range(2)]
    busy = put_off(pull(quota, POINTS))
    assert (busy.spent, busy.wait < 60) == ("", True)
    for each in under_way:
        quota.settle("tb", POINTS, each, points=6)
    assert quota.used("tb", NOON).points == 18
    assert put_off(pull(quota, POINTS)).spent == "points"


def test_a_call_of_unknown_price_costs_what_was_set_aside_and_a_refused_one_nothing(quota: Quota, clock: Time) -> None:
    assert call(quota, POINTS, points=4)
    assert call(quota, POINTS, points=None)
    assert quota.used("tb", NOON).points == 8
    assert call(quota, POINTS, points=0)
    assert (quota.used("tb", NOON).points, quota.used("tb", NOON).dearest) == (8, 4)


def test_the_price_of_a_call_is_known_from_the_day_before(quota: Quota, clock: Time) -> None:
    assert call(quota, POINTS, points=9)
    clock.go(MIDNIGHT + 60)
    taken(pull(quota, POINTS))
    assert quota.used("tb", MIDNIGHT).points == 9


def test_a_price_above_the_whole_limit_still_lets_the_first_call_of_a_day_through(quota: Quota, clock: Time) -> None:
    assert call(quota, POINTS, points=500)
    assert not call(quota, POINTS)
    clock.go(MIDNIGHT + 60)
    assert call(quota, POINTS)


def test_points_and_calls_are_counted_without_limits_too(quota: Quota, clock: Time) -> None:
    free = Limits(owed=1)
    assert call(quota, free, points=3)
    taken(quota.take("tb", free, "confirm", "shop"))
    taken(quota.take("tb", free, "count", "shop"))
    used = quota.used_many(["tb", "other"], NOON)
    assert used["tb"].by_api == {"pull": 1, "confirm": 1, "count": 1}
    assert (used["tb"].calls, used["tb"].points, used["tb"].owed) == (3, 3, 1)
    assert used["other"].calls == 0


def test_a_flush_between_a_call_and_its_end_leaves_nothing_below_zero(quota: Quota, clock: Time, redis: Redis) -> None:
    both = Limits(10, 100, 100, 1)
    found = taken(pull(quota, both))
    redis.delete(*(name for name in redis.scan_iter("tidings:*")))
    quota.settle("tb", both, found, points=0, owed=1)
    used = quota.used("tb", NOON)
    assert (used.points, used.owed, used.held) == (0, 0, 0)


def test_every_key_goes_away_by_itself(quota: Quota, clock: Time, redis: Redis) -> None:
    both = Limits(10, 1000, 100, 1)
    calls = [quota.take("tb", both, "pull", f"shop {number}") for number in range(20)]
    clock.go(NOON + 1)
    for found in calls:
        if isinstance(found, Turn):
            quota.settle("tb", both, found, points=1, claim=20)
    keys = list(redis.scan_iter("tidings:*"))
    assert {name.split(":")[1] for name in keys} == {"used", "window", "pace", "line", "called"}
    assert all(0 < redis.ttl(name) <= KEEP_SECONDS for name in keys)


@pytest.mark.parametrize(
    "some", [Limits(calls_per_day=50), Limits(points_per_day=50), Limits(calls_per_day=99, owed=1)]
)
def test_many_that_ask_at_the_same_moment_get_no_more_than_there_is(redis: Redis, some: Limits) -> None:
    quota = Quota(redis)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: quota.take("tb", some, "pull", f"{number}"), range(200)))
    assert sum(isinstance(each, Turn) for each in found) == (49 if some.owed else 50)


def test_who_was_called_in_while_the_clock_was_ahead_and_does_not_come_holds_up_nobody(
    quota: Quota, clock: Time
) -> None:
    limits = Limits(calls_per_second=2)
    clock.go(NOON + 8 * 3600)
    found = taken(pull(quota, limits))
    for number in range(5):
        put_off(pull(quota, limits, f"gone {number}"))
    quota.settle("tb", limits, found, points=0)
    made = 0
    for step in range(200):
        clock.go(NOON + step / 10)
        made += call(quota, limits)
    assert made >= 10


def test_who_waited_while_the_clock_was_ahead_is_not_behind_all_who_come_later(
    quota: Quota, clock: Time, redis: Redis
) -> None:
    one = Limits(calls_per_second=1)
    clock.go(NOON + 8 * 3600)
    taken(pull(quota, one))
    for account in ("first", "second"):
        put_off(pull(quota, one, account))
    clock.go(NOON)
    taken(pull(quota, one))
    for after, account in ((0.01, "first"), (0.02, "third")):
        clock.go(NOON + after)
        put_off(pull(quota, one, account))
    assert redis.zrange("tidings:line:tb", 0, -1) == ["pull first", "pull third", "pull second"]
