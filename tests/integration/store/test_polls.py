"""What polls ask and tell, on a real Valkey: in one round trip each, and a call only where nothing stands in its way."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tasks import clock
from tasks.rules.allowance import Limits
from tasks.rules.backpressure import Load
from tasks.rules.circuit_breaker import Pause
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tasks.store.batches import Open
from tasks.store.measures_gateways import Known as Gateway
from tasks.store.polls import End, Known, Learnt, Question
from tasks.store.quota import PutOff, Settled, Turn
from tasks.store.seen import Seen

TEN = Limits(calls_per_second=10, calls_per_day=100, owed=1)


def question(account: str = "shop", limits: Limits | None = TEN) -> Question:
    return Question(account, "tb", 60, time.time(), limits)


def opened(stores: Stores, lease: float = 60) -> None:
    stores.batches.open(Open(Batch("shop", "b", time.time(), lease), (("1", ("1",)), ("2", ("2",)))))


def pause(stores: Stores, kind: str, name: str, seconds: float = 60, **more: object) -> None:
    now = time.time()
    stores.pauses.put(kind, name, Pause(now + seconds, "why", **more), now=now)  # type: ignore[arg-type]


def hold(stores: Stores) -> None:
    stores.polls.tell(Learnt("shop", time.time(), held=True))


HINDRANCES: dict[str, Callable[[Stores], None]] = {
    "an open batch": opened,
    "a hold": hold,
    "a pause of the account": lambda stores: pause(stores, "account", "shop"),
    "a pause of the gateway": lambda stores: pause(stores, "gateway", "tb"),
    "a pause for other credentials": lambda stores: pause(stores, "account", "shop", fingerprint="0123456789abcdef"),
    "a pause that nobody can read": lambda stores: stores.seen.redis.set("tidings:pause:account:shop", "?"),
    "a reply past its lease": lambda stores: stores.inbox.keep("shop", "b", b"{}", 0),
}


@pytest.mark.parametrize("what", HINDRANCES)
def test_a_call_is_taken_only_where_nothing_may_stand_in_its_way(tidings: Stores, what: str) -> None:
    assert isinstance(tidings.polls.ask(question()).taken, Turn)
    HINDRANCES[what](tidings)
    used = tidings.quota.used("tb", time.time())
    assert tidings.polls.ask(question()).taken is None
    assert tidings.quota.used("tb", time.time()) == used


def test_what_is_over_stands_in_nobodys_way(tidings: Stores) -> None:
    opened(tidings, lease=-1)
    pause(tidings, "account", "shop", -1)
    tidings.inbox.keep("shop", "b", b"{}", 60)
    known = tidings.polls.ask(question())
    assert isinstance(known.taken, Turn)
    assert (known.load, known.waiting, known.over) == (Load(), 1, 0)
    assert known.pauses[0]


def test_leases_of_a_clock_that_was_ahead_end_within_a_lease_once_it_is_set_back(tidings: Stores, redis: Redis) -> None:
    """Eight hours ahead: vv-tool's messages waited so long to be handed out again, and batches that were lost stayed open."""
    ahead = time.time() + 8 * 3600
    tidings.inbox.keep("shop", "b", b"{}", 60)
    redis.zadd("tidings:inbox:shop", {"b": ahead})
    tidings.batches.open(Open(Batch("shop", "b", ahead, 60), (("1", ("1",)),)))
    leases = []
    for _ in range(2):
        known = tidings.polls.ask(question())
        assert (known.load.batches, known.waiting, known.over) == (1, 1, 0)
        leases.append([redis.zscore(f"tidings:{place}:shop", "b") for place in ("inbox", "open")])
    assert leases[0] == pytest.approx([time.time() + 60] * 2, abs=30)
    assert leases[1] == leases[0], "once"


def test_what_is_known_is_told(tidings: Stores) -> None:
    assert tidings.polls.ask(question(limits=None)) == Known((None, None), Load(), None, 0, 0, None)
    seen = Seen(at=time.time(), got=3, interval=7.0)
    tidings.seen.put("shop", seen)
    opened(tidings)
    hold(tidings)
    pause(tidings, "gateway", "tb")
    known = tidings.polls.ask(question())
    assert (known.seen, known.load.batches, known.load.messages) == (seen, 1, 2)
    assert known.load.held > 0
    assert known.pauses[0] is None
    assert known.pauses[1]
    assert known.pauses[1].reason == "why"


def test_several_are_asked_for_at_a_time_and_keep_their_limits(tidings: Stores) -> None:
    limits = Limits(calls_per_second=2)
    tidings.seen.put("b", Seen(at=2.0))
    pause(tidings, "account", "c")
    questions = [question("a", limits), question("b", None), question("c", limits), *(question("d", limits),) * 2]
    a, b, c, d, again = tidings.polls.ask_many(questions)
    assert [known.seen for known in (a, b, c)] == [None, Seen(at=2.0), None]
    assert isinstance(a.taken, Turn)
    assert (b.taken, c.taken) == (None, None)
    assert [type(known.taken) for known in (d, again)] in ([PutOff, PutOff], [Turn, PutOff])


def test_an_end_is_settled_and_everything_else_that_was_learnt_noted(tidings: Stores, redis: Redis) -> None:
    tidings.due.seed({"shop": 0, "other": 0})
    turn = tidings.polls.ask(question()).taken
    assert isinstance(turn, Turn)
    seen, now = Seen(at=time.time(), interval=9.0), time.time()
    end = End("pull", "tb", Settled("tb", TEN, turn, points=0, owed=1, claim=5))
    assert tidings.polls.tell(Learnt("shop", now, end, due=30, seen=seen, counts={"calls": 1, "pulled": 0})) == []
    assert tidings.seen.get("shop") == seen
    assert 25 < tidings.due.delays(["shop"])["shop"] <= 30
    assert tidings.tally.read_many(["shop"], now=now) == {"shop": {"calls": 1}}
    used = tidings.quota.used("tb", now)
    assert (used.by_api["pull"], used.owed) == (1, 0)
    for number in range(2):
        tidings.polls.tell(Learnt("shop", now, counts={"calls": 1, "failures": number}))
    assert tidings.tally.read_many(["shop"], now=now) == {"shop": {"calls": 3, "failures": 1}}
    assert all(0 < redis.ttl(name) <= 8 * 86400 for name in redis.scan_iter("tidings:tally:*"))


def test_who_comes_next_is_told_to_the_one_whose_call_has_ended(tidings: Stores) -> None:
    turns = [each.taken for each in tidings.polls.ask_many([question(f"shop-{number}") for number in range(4)])]
    ends = [End("pull", "tb", Settled("tb", TEN, turn, 0, 1, 5)) for turn in turns if isinstance(turn, Turn)]
    waiting = [name for name, turn in enumerate(turns) if isinstance(turn, PutOff)]
    assert (len(ends), waiting) == (3, [3])
    told = tidings.polls.tell_many([Learnt("shop", time.time()), *(Learnt("shop", time.time(), end) for end in ends)])
    assert told[0] == []
    assert all(each in ([], [("pull", "shop-3")]) for each in told)
    assert tidings.quota.redis.zcard("tidings:called:tb") == 1


def test_an_account_that_is_gone_stays_so(tidings: Stores) -> None:
    tidings.polls.tell(Learnt("gone", time.time(), due=1))
    assert tidings.due.known() == set()


def test_calls_without_limits_count_for_the_day_and_cost_no_script_of_the_limits(tidings: Stores, redis: Redis) -> None:
    assert tidings.polls.ask(question(limits=None)).taken is None
    end = End("pull", "vv", points=3)
    tidings.polls.tell_many([Learnt(name, time.time(), end) for name in ("a", "b")])
    used = tidings.quota.used("vv", time.time())
    assert (used.by_api["pull"], used.calls, used.points, used.owed) == (2, 2, 6, 0)
    assert not redis.keys("tidings:pace:*") + redis.keys("tidings:window:*")


def test_an_empty_reply_leaves_the_inbox(tidings: Stores, redis: Redis) -> None:
    for batch in ("empty", "full"):
        tidings.inbox.keep("vshop", batch, b"{}", 60)
    tidings.polls.tell(Learnt("vshop", time.time(), empty="empty"))
    assert redis.zrange("tidings:inbox:vshop", 0, -1) == ["full"]
    assert redis.keys("tidings:inbox:raw:*") == ["tidings:inbox:raw:full"]


def test_a_key_of_another_type_costs_its_own_account_only(tidings: Stores, redis: Redis) -> None:
    redis.set("tidings:open:bad", "?")
    with pytest.raises(ResponseError):
        tidings.polls.ask(question("bad"))
    assert isinstance(tidings.polls.ask(replace(question(), account="good")).taken, Turn)


def test_calls_that_were_answered_are_measured_each_with_its_gateway(tidings: Stores) -> None:
    tidings.gateways.put({name: Gateway(1) for name in ("tb", "vv", "new")})
    ends = [
        End("pull", "tb", took=0.2),
        End("pull", "tb", took=0.3),
        End("confirm", "tb", took=20.0),
        End("count", "tb", took=1.0),
        End("pull", "vv", took=0.01),
        End("pull", "vv", failed=True),
    ]
    for _ in range(2):
        tidings.polls.tell_many([Learnt("shop", 1000.5, end) for end in ends])
    found = tidings.measures.read()
    told = {(api, *gateway): histogram for api, some in found.histograms.items() for gateway, histogram in some.items()}
    assert {whose: (sum(each.buckets), each.seconds) for whose, each in told.items()} == {
        ("pull", "tb"): (4, 1.0),
        ("confirm", "tb"): (2, 40.0),
        ("pull", "vv"): (2, 0.02),
    }
    assert told["confirm", "tb"].buckets[-1] == 2
    assert found.counters["failed"] == {("vv", "pull"): 2}
    assert tidings.measures.last_pulls() == {"tb": 1000.5, "vv": 1000.5}


@pytest.mark.parametrize("known", [True, False])
def test_an_account_is_due_by_the_common_clock_and_by_redis_where_that_is_not_known(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    clock.follow(0.0)
    if not known:
        wrong = time.time() + 3600
        monkeypatch.setattr(time, "time", lambda: wrong)
    tidings.due.seed({"shop": 0.0})
    before = float("{}.{:06d}".format(*redis.time()))
    tidings.polls.tell(Learnt("shop", 1.0, due=10.0))
    score = redis.zscore("tidings:due:consume", "shop") or 0.0
    assert before + 9.9 <= score <= before + 12
