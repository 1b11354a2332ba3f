"""Whom beats send for, on a real Redis and broker: nobody twice, nobody forgotten, and nobody late for others' sake."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import pytest
from kombu.utils.json import loads
from redis import Redis

from tasks import confirm, sending
from tasks.accounts import Account, Poll, VvtoolAccount, VvtoolGateway
from tasks.commands.check.redis import leftover
from tasks.names import CONSUME, COUNT
from tasks.pulling import rota
from tasks.pulling.rota import Rota
from tasks.runtime import Stores
from tasks.store.seen import Seen

GATEWAY = VvtoolGateway.model_validate({"name": "vv", "token": "t"})
LIMIT = 15.0


def shops(*names: str, **more: object) -> Mapping[str, Account]:
    made = {
        name: VvtoolAccount.model_validate({"name": name, "gateway": GATEWAY, "shop_id": "1", **more}) for name in names
    }
    return MappingProxyType(made)


def sent(redis: Redis) -> Counter[str]:
    """How often each account was sent."""
    messages = [loads(raw) for raw in redis.lrange("tidings:consume", 0, -1)]
    return Counter(message["headers"]["argsrepr"][2:-3] for message in messages)


def send_until(reached: Callable[[], bool], *rotas: Rota) -> None:
    """Let these beats look in turn until it is so."""
    end = time.monotonic() + LIMIT
    while not reached():
        assert time.monotonic() < end
        for each in rotas:
            each.send()
        time.sleep(0.005)


def up_to_date(*rotas: Rota) -> None:
    """Let these beats keep in step until there is nothing left to do for it."""
    for each in rotas:
        while each.keep_in_step():
            pass


def scripts(redis: Redis) -> int:
    """How many scripts Redis was told to run so far."""
    return int(redis.info("commandstats")["cmdstat_evalsha"]["calls"])


# Nobody twice, nobody forgotten


def test_two_beats_that_fill_an_empty_redis_send_each_account_once(tidings: Stores, redis: Redis) -> None:
    names = [f"shop-{number}" for number in range(40)]
    one, other = (Rota(tidings.due, CONSUME, shops(*names)) for _ in range(2))
    send_until(lambda: len(sent(redis)) == 40, one, other)
    for _ in range(20):
        one.send()
        other.send()
    assert sent(redis) == dict.fromkeys(names, 1)


def test_what_is_sent_is_not_sent_again_before_its_poll_can_be_over(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rota, "SENDING_SECONDS", 0.05)
    one, other = (Rota(tidings.due, CONSUME, shops("a")) for _ in range(2))
    send_until(lambda: bool(sent(redis)), one, other)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        one.send()
        other.send()
    assert sent(redis) == {"a": 1}
    assert tidings.due.delays(["a"])["a"] > sending.claim_seconds() - 5


def test_what_a_killed_beat_had_claimed_is_soon_sent_by_another(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (Rota(tidings.due, CONSUME, shops("a", "b")) for _ in range(2))
    up_to_date(one, other)
    tidings.due.wake({"a": 0, "b": 0})
    with monkeypatch.context() as killed:
        killed.setattr(rota, "SENDING_SECONDS", 0.2)
        killed.setattr(rota, "poll_all", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            one.send()
    assert not sent(redis)
    began = time.monotonic()
    send_until(lambda: sent(redis) == {"a": 1, "b": 1}, other)
    assert time.monotonic() - began < sending.claim_seconds() / 2


def test_the_time_that_sending_may_take_is_short(tidings: Stores) -> None:
    assert 1 <= rota.SENDING_SECONDS <= 5 < sending.claim_seconds()


def test_a_backlog_is_worked_off_without_a_rest(tidings: Stores, redis: Redis) -> None:
    names = [f"shop-{number}" for number in range(2 * rota.AT_ONCE)]
    beat = Rota(tidings.due, CONSUME, shops(*names))
    up_to_date(beat)
    tidings.due.wake(dict.fromkeys(names, 0))
    assert [beat.send(), beat.send()] == [0.0, 0.0]
    assert sent(redis) == dict.fromkeys(names, 1)


# Nobody takes what is sent


def test_polls_that_nobody_takes_do_not_fill_redis(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis keeps a poll until a worker takes it, long after it is worth nothing, and each account is sent again and again."""
    monkeypatch.setattr(rota, "LOOK_SECONDS", 0.0)
    names = [f"shop-{number}" for number in range(10)]
    beat = Rota(tidings.due, CONSUME, shops(*names))
    up_to_date(beat)
    for _ in range(5):
        tidings.due.wake(dict.fromkeys(names, 0))
        beat.send(20)
    assert sent(redis) == dict.fromkeys(names, 2)
    assert min(tidings.due.delays(names).values()) > sending.claim_seconds() - 5, "they fall due again, as ever"
    assert caplog.text.count("20 polls wait in the queue consume and nobody takes them") == 1
    redis.delete("tidings:consume")
    tidings.due.wake(dict.fromkeys(names, 0))
    beat.send(20)
    assert sent(redis) == dict.fromkeys(names, 1)


def test_a_queue_holds_two_polls_of_each_account_and_some_of_few_accounts() -> None:
    assert [rota.most_waiting(accounts) for accounts in (1, 10_000)] == [rota.LEAST_WAITING, 20_000]


# Two beats that have read different accounts


def test_a_beat_that_has_not_read_a_new_account_yet_sends_it_all_the_same(tidings: Stores, redis: Redis) -> None:
    older, newer = Rota(tidings.due, CONSUME, shops("a")), Rota(tidings.due, CONSUME, shops("a"))
    up_to_date(older, newer)
    newer.follow(shops("a", "b"), 0)
    up_to_date(newer)
    send_until(lambda: "b" in sent(redis), older)
    for _ in range(5):
        older.send()
    assert tidings.due.known() == {"a", "b"}


def test_an_account_that_is_gone_is_gone_when_the_last_beat_has_noticed(tidings: Stores, redis: Redis) -> None:
    older, newer = Rota(tidings.due, CONSUME, shops("a", "b")), Rota(tidings.due, CONSUME, shops("a", "b"))
    up_to_date(older, newer)
    newer.follow(shops("a"), 0)
    for _ in range(5):
        newer.send()
        older.send()
        up_to_date(newer, older)
    older.follow(shops("a"), 0)
    for _ in range(5):
        older.send()
        newer.send()
    assert tidings.due.known() == {"a"}


# Keeping in step


def test_a_hundred_thousand_accounts_are_taken_over_in_small_steps(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is due meanwhile is sent: 20,000 new ones take twenty steps and more, and one look does not take them all."""
    monkeypatch.setattr(rota, "STEP_SECONDS", 0.0)
    beat = Rota(tidings.due, CONSUME, shops("a"))
    up_to_date(beat)
    beat.follow(shops("a", *(f"shop-{number}" for number in range(20_000))), 0)
    tidings.due.wake({"a": 0})
    assert beat.send() == 0.0, "there is more to do"
    assert "a" in sent(redis)
    assert len(tidings.due.known()) < 20_000
    send_until(lambda: len(tidings.due.known()) == 20_001, beat)


def test_changed_accounts_are_polled_soon_one_after_the_other(tidings: Stores, redis: Redis) -> None:
    """A change of a gateway changes all of its accounts; all at once would spend a day's calls and delay everybody."""
    names = [f"shop-{number}" for number in range(3000)]
    beat = Rota(tidings.due, CONSUME, shops(*names, poll=Poll(min=100, max=100)))
    up_to_date(beat)
    redis.zadd(tidings.due.key, dict.fromkeys(names, time.time() + 3000))
    before = scripts(redis)
    beat.follow(shops(*names, poll=Poll(min=90, max=90)), notice=30)
    up_to_date(beat)
    assert scripts(redis) - before < 50, "one for a thousand accounts, not one for each"
    delays = sorted(tidings.due.delays(names).values())
    assert 20 < delays[0] <= 30
    assert 20 < delays[-1] - delays[0] < 95, "90, and what lies between the first thousand and the last"
    assert max(later - earlier for earlier, later in pairwise(delays)) < 1


def test_an_account_that_did_not_change_keeps_its_due_time(tidings: Stores) -> None:
    beat = Rota(tidings.due, CONSUME, shops("a", "b"))
    up_to_date(beat)
    tidings.due.put("a", 500)
    beat.follow(shops("a", "c"), 0)
    up_to_date(beat)
    assert tidings.due.delays(["a"])["a"] > 490
    assert tidings.due.known() == {"a", "c"}


def test_a_second_change_does_not_cut_short_the_first(tidings: Stores) -> None:
    beat = Rota(tidings.due, CONSUME, shops("a"))
    beat.follow(shops("a", "b"), 0)
    beat.follow(shops("b", "c"), 0)
    up_to_date(beat)
    assert tidings.due.known() == {"b", "c"}


def test_a_redis_that_lost_some_gets_them_back(tidings: Stores) -> None:
    beat = Rota(tidings.due, CONSUME, shops("a", "b", "c"))
    up_to_date(beat)
    tidings.due.forget(["b"])
    send_until(lambda: tidings.due.known() == {"a", "b", "c"}, beat)


def test_nobody_to_send_for_costs_nothing(tidings: Stores, redis: Redis) -> None:
    beat = Rota(tidings.counts, CONSUME, shops())
    up_to_date(beat)
    before = redis.info("stats")["total_commands_processed"]
    assert [beat.send() for _ in range(50)] == [None] * 50
    assert redis.info("stats")["total_commands_processed"] - before < 5


def test_first_polls_of_many_accounts_do_not_spend_the_quota_of_a_day() -> None:
    limited = GATEWAY.model_copy(update={"calls_per_day": 1000})
    few = {name: shop.model_copy(update={"gateway": limited}) for name, shop in shops(*"abcdefghij").items()}
    many = {
        name: shop.model_copy(update={"gateway": limited})
        for name, shop in shops(*(f"s{n}" for n in range(500))).items()
    }
    assert max(delay for _, delay in rota.first_looks(few)) <= 60
    delays = [delay for _, delay in rota.first_looks({**many, **shops("free")})]
    assert len(delays) == 501
    assert sum(delay <= 3600 for delay in delays) == pytest.approx(1000 / 24, abs=3)


def test_nothing_is_kept_of_accounts_that_are_gone(tidings: Stores) -> None:
    beat = Rota(tidings.due, CONSUME, shops("a", "b"))
    send_until(lambda: tidings.due.known() == {"a", "b"}, beat)
    for name in "ab":
        tidings.seen.put(name, Seen(at=1.0))
    beat.follow(shops("b"), 0)
    send_until(lambda: tidings.due.known() == {"b"}, beat)
    assert set(tidings.seen.many(["a", "b"])) == {"b"}


def test_what_a_poll_under_way_notes_of_an_account_that_is_gone_goes_with_the_next_beat(tidings: Stores) -> None:
    """It has no due time by then, by which it would be known."""
    up_to_date(Rota(tidings.due, CONSUME, shops("b")))
    for name in "ab":
        tidings.seen.put(name, Seen(at=1.0))
    up_to_date(Rota(tidings.counts, COUNT, shops()))
    assert set(tidings.seen.many(["a", "b"])) == {"a", "b"}
    up_to_date(Rota(tidings.due, CONSUME, shops("b")))
    assert set(tidings.seen.many(["a", "b"])) == {"b"}


def test_an_account_that_has_lost_its_counter_keeps_what_its_pulls_told(tidings: Stores) -> None:
    beat = Rota(tidings.counts, COUNT, shops("a"))
    up_to_date(beat)
    tidings.seen.put("a", Seen(at=1.0))
    beat.follow(shops(), 0)
    up_to_date(beat)
    assert tidings.counts.known() == set()
    assert set(tidings.seen.many(["a"])) == {"a"}


def test_what_an_account_leaves_in_the_inbox_is_told_until_it_is_back_and_done(
    tidings: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    """Its messages never come again from vv-tool, and nobody polls who would hand them out again."""
    beat = Rota(tidings.due, CONSUME, shops("old", "other"))
    up_to_date(beat)
    tidings.inbox.keep("old", "b1", b"{}", 0)
    beat.follow(shops("new"), 0)
    up_to_date(beat)
    assert "old is gone from the accounts, and 1 stored replies" in caplog.text
    assert "other" not in caplog.text
    assert tidings.inbox.left(shops("new")) == {"old": 1}
    (finding,) = leftover(tidings.inbox.left(shops("new")))
    assert finding.level == "WARN"
    assert tidings.inbox.left(shops("new", "old")) == {}
    assert tidings.inbox.left(shops("new")) == {"old": 1}
    confirm.confirm([("0", "handled")], "old", "b1", time.time(), 20.0)
    tidings.inbox.settle("old", "b1", size=1)
    assert tidings.inbox.left(shops("new")) == {}
