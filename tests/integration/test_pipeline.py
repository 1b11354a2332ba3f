"""consume → handle → confirm on a real broker and a real worker; only the platform is a fake, so that its faults are exact."""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from redis import Redis

from handlers import Message, Registry, Reject, Retry
from tasks import app, confirm, consume, count, dispatch, redrive, runtime, sending
from tasks.accounts import Account, Gateway, fingerprint
from tasks.commands.check.redis import gone
from tasks.confirming import telling
from tasks.dispatch import start
from tasks.handling.delivery import names
from tasks.platforms import (
    BadRequest,
    Declined,
    Item,
    Keep,
    PlatformError,
    Reply,
    Spoilt,
    Transient,
    Unauthorised,
    http,
)
from tasks.platforms.vvtool import VvtoolClient
from tasks.pulling import holding_back
from tasks.rules.circuit_breaker import Pause
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.batches import Open
from tasks.store.letters import Letter

Register = Callable[..., object]

APP = 'platform = "taobao"\napp_key = "87654321"\napp_secret = "env:TB_SECRET"'


class FakePlatform:
    """Answers pulls from a list, and remembers every confirm; `failures` befall the confirms to come (None: none)."""

    confirm_limit = 50

    def __init__(self) -> None:
        self.replies: list[Reply | PlatformError] = []
        self.failures: list[PlatformError | None] = []
        self.pulls = 0
        self.confirms: list[list[str]] = []

    def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
        self.pulls += 1
        reply = self.replies.pop(0) if self.replies else Reply()
        if isinstance(reply, PlatformError):
            raise reply
        return reply

    def confirm(self, account: Account, receipts: Sequence[str]) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.confirms.append(list(receipts))

    @property
    def confirmed(self) -> Counter[str]:
        return Counter(receipt for receipts in self.confirms for receipt in receipts)


@pytest.fixture
def platform(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> FakePlatform:
    fake = FakePlatform()
    monkeypatch.setattr(consume, "client_for", lambda gateway: fake)
    monkeypatch.setattr(telling, "client_for", lambda gateway: fake)
    tidings.due.seed({"shop": 0, "vshop": 0})
    return fake


@pytest.fixture
def worker(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(
        holding_back, "behind", lambda *_: 0.0
    )  # no beat is here to poll again whom a slow machine holds back
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, loglevel=logging.CRITICAL):
        yield


def items(*ids: int, topic: str = "t", content: str = "{}") -> tuple[Item, ...]:
    return tuple(Item(receipt=str(id_), id=str(id_), topic=topic, content=content) for id_ in ids)


def until(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def confirmed_times(platform: FakePlatform, wanted: int) -> bool:
    return len(platform.confirms) == wanted


def test_a_batch_is_handled_and_confirmed_in_chunks(platform: FakePlatform, worker: None, registered: Register) -> None:
    seen: list[str] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        seen.append(message.id)

    registered(on_any)
    platform.replies = [Reply(items(*range(120)))]
    sending.consume("shop")
    until(lambda: len(platform.confirmed) == 120)
    assert sorted(map(len, platform.confirms)) == [20, 50, 50]
    assert sorted(map(int, seen)) == list(range(120))


def test_an_empty_pull_starts_no_chord_and_confirms_nothing(
    platform: FakePlatform, account: Account, redis: Redis
) -> None:
    following = consume.poll(account)
    assert following == 1.0
    assert platform.confirms == []
    assert redis.keys("tidings:celery*") == redis.keys("tidings:handle") == redis.keys("tidings:confirm") == []


def test_a_full_batch_is_followed_at_once_until_one_is_not(
    platform: FakePlatform, worker: None, registered: Register
) -> None:
    registered(handler)
    platform.replies = [Reply(items(*range(n, n + 100))) for n in (0, 100, 200)]
    sending.consume("shop")
    until(lambda: len(platform.confirmed) == 300)
    until(lambda: platform.pulls == 4)


def test_a_platform_that_answers_with_the_same_full_batch_again_and_again_is_not_called_without_a_pause(
    platform: FakePlatform, account: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its messages wait for handlers here, and may be done with as well."""
    monkeypatch.setattr(holding_back, "behind", lambda *_: 0.0)
    full = items(*range(account.quantity))
    platform.replies += [Reply(full)] * 3
    assert [consume.poll(account) for _ in range(3)] == [0, account.poll.min, 2 * account.poll.min]
    assert [record.event for record in caplog.records if hasattr(record, "event")].count("batch_repeated") == 1


def test_full_batches_of_what_is_done_with_are_pulled_with_a_pause_between_them(
    platform: FakePlatform, account: Account, tidings: Stores
) -> None:
    """As a lost confirm leaves them: what waits behind them is not to wait for long."""
    batches = [items(*range(first, first + account.quantity)) for first in (0, 1000, 2000)]
    for batch in batches:
        for its in names(account, batch):
            tidings.marks.finish(its, "done")
    platform.replies += [Reply(batch) for batch in batches]
    assert [consume.poll(account) for _ in batches] == [account.poll.min] * 3


def test_only_what_was_handled_is_confirmed(
    platform: FakePlatform, worker: None, registered: Register, tidings: Stores, account: Account
) -> None:
    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        if message.id == "3":
            raise Reject("bad")
        if message.id == "4":
            raise Retry(delay=1000)

    registered(on_any)
    platform.replies = [Reply(items(1, 2, 3, 4), (Spoilt("5", "{", "no topic"), Spoilt("", "?", "no id")))]
    sending.consume("shop")
    until(lambda: platform.confirms)
    until(lambda: tidings.batches.load("shop").batches == 0)
    assert set(platform.confirmed) == {"1", "2", "3", "5"}
    assert sorted(letter.item.id for letter in tidings.letters.all()) == ["", "3", "5"]
    tally = tidings.tally.read_many(["shop"], now=time.time())["shop"]
    assert (tally["handled"], tally["dead"], tally["failed"]) == (2, 3, 1)


def test_a_message_seen_before_is_confirmed_again_but_not_handled_again(
    platform: FakePlatform, worker: None, registered: Register
) -> None:
    calls: Counter[str] = Counter()

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        calls[message.id] += 1

    registered(on_any)
    platform.replies = [Reply(items(1, 2)), Reply(items(1, 2, 3)), Reply(items(1, 2))]
    for number in (1, 2, 3):
        sending.consume("shop")
        until(partial(confirmed_times, platform, number))
    assert calls == {"1": 1, "2": 1, "3": 1}
    assert platform.confirmed == {"1": 3, "2": 3, "3": 1}


def test_a_message_that_stands_twice_in_a_reply_is_handled_once(
    platform: FakePlatform, worker: None, registered: Register
) -> None:
    calls: Counter[str] = Counter()

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        calls[message.id] += 1

    registered(on_any)
    platform.replies = [Reply(items(1, 1, 2))]
    sending.consume("shop")
    until(lambda: platform.confirms)
    assert calls == {"1": 1, "2": 1}
    assert platform.confirmed == {"1": 1, "2": 1}


def test_a_message_that_stands_in_a_reply_once_more_unreadable_is_confirmed_only_when_it_is_handled(
    platform: FakePlatform, worker: None, registered: Register, tidings: Stores
) -> None:
    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        if message.id == "1":
            raise Retry(delay=1000)

    registered(on_any)
    platform.replies = [Reply(items(1, 2), (Spoilt("1", "{", "no topic"),))]
    sending.consume("shop")
    until(lambda: tidings.batches.load("shop").batches == 0 and platform.confirms, 60)
    assert platform.confirms == [["2"]]
    assert len(tidings.letters) == 0


def test_a_longer_retry_does_not_hold_its_batch_and_is_confirmed_by_itself(
    platform: FakePlatform, worker: None, registered: Register
) -> None:
    tries: list[float] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        if message.id == "2":
            tries.append(time.monotonic())
            if len(tries) == 1:
                raise Retry(delay=3)

    registered(on_any)
    platform.replies = [Reply(items(1, 2, 3))]
    sending.consume("shop")
    until(lambda: len(platform.confirms) == 2)
    assert platform.confirms == [["1", "3"], ["2"]]
    assert 3 <= tries[1] - tries[0] < 10


def test_a_failed_confirm_is_tried_again_with_what_is_left(
    platform: FakePlatform, worker: None, registered: Register, tidings: Stores
) -> None:
    registered(handler)
    platform.failures = [None, Transient("cut")]
    platform.replies = [Reply(items(*range(80)))]
    sending.consume("shop")
    until(lambda: len(platform.confirmed) == 80)
    until(lambda: tidings.batches.load("shop").batches == 0)
    assert set(platform.confirmed.values()) == {1}


def test_a_refused_confirm_is_narrowed_until_only_the_bad_id_is_left(
    platform: FakePlatform, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(_: Account, receipts: Sequence[str]) -> None:
        if "13" in receipts:
            raise BadRequest("isv.invalid-parameter")
        platform.confirms.append(list(receipts))

    monkeypatch.setattr(platform, "confirm", picky)
    came = telling.tell(account, "b1", [str(n) for n in range(50)])
    assert (came.left, came.wait, came.refused) == ([], 0.0, ["13"])
    assert set(platform.confirmed) == {str(n) for n in range(50)} - {"13"}
    assert set(platform.confirmed.values()) == {1}


def test_a_confirm_that_is_answered_with_false_again_and_again_is_narrowed_too(
    platform: FakePlatform, tidings: Stores, account: Account, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One id that the platform does not know cost all others of each batch their confirm, and thirty calls a lease."""
    calls: list[Sequence[str]] = []

    def picky(_: Account, receipts: Sequence[str]) -> None:
        calls.append(receipts)
        if "13" in receipts:
            raise Declined("the platform answered a confirm with is_success: false")
        platform.confirms.append(list(receipts))

    monkeypatch.setattr(platform, "confirm", picky)
    sending.confirm([(str(n), "handled") for n in range(50)], Batch("shop", "b1", time.time(), 20.0))
    until(tidings.troubles.read)
    assert set(platform.confirmed) == {str(n) for n in range(50)} - {"13"}
    assert set(platform.confirmed.values()) == {1}
    assert [len(some) for some in calls[:4]] == [50] * 4, "it may have been a hiccup"
    (trouble,) = tidings.troubles.read()
    assert (trouble.what, trouble.count) == ("unconfirmed", 1)
    assert len(calls) <= 20


@pytest.mark.parametrize("error", [BadRequest("15: unknown group"), Unauthorised("27: expired", remedy="renew")])
def test_confirms_that_are_refused_are_given_up_counted_and_told(
    platform: FakePlatform, tidings: Stores, account: Account, error: PlatformError
) -> None:
    platform.failures = [error] * 1000
    before = len(platform.failures)
    confirm.confirm([(str(n), "handled") for n in range(400)], **Batch("shop", "b1", time.time(), 20.0).to_json())
    assert before - len(platform.failures) <= 20
    assert platform.confirms == []
    (trouble,) = tidings.troubles.read()
    assert (trouble.what, trouble.count) == ("unconfirmed", 400)
    assert error.text in trouble.text
    assert tidings.tally.read_many(["shop"], now=time.time())["shop"]["unconfirmed"] == 400


def test_a_refusal_that_concerns_the_gateway_is_no_single_ids(platform: FakePlatform, account: Account) -> None:
    platform.failures = [BadRequest("22: no such method", scope="gateway")] * 100
    telling.tell(account, "b1", [str(n) for n in range(50)])
    assert len(platform.failures) == 99


@pytest.mark.parametrize("alone", [False, True])
def test_a_confirm_past_the_lease_is_tried_and_counted_as_late(
    platform: FakePlatform, tidings: Stores, account: Account, alone: bool
) -> None:
    confirm.confirm([("1", "handled"), ("2", "failed")], "shop", "b1", time.time() - 21, 20.0, alone=alone)
    assert platform.confirms == [["1"]]
    assert tidings.tally.read_many(["shop"], now=time.time())["shop"]["late_confirms"] == 1


def test_a_confirm_is_over_before_another_worker_would_make_it_too(
    platform: FakePlatform, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(platform, "confirm", lambda *_: waits.append(http.PATIENCE.get()))
    monkeypatch.setattr(telling, "visibility", lambda: 12.0)
    telling.tell(account, "b1", ["1"])
    telling.tell_part(account, "b1", ["2"])
    assert len(waits) == 2
    assert max(waits) + settings().connect_seconds < 12


def test_a_confirm_that_is_refused_slowly_is_over_by_then_too(
    platform: FakePlatform, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that is refused is narrowed with up to twenty calls, all of them in one task."""
    waits: list[float] = []

    def slow(*_: object) -> None:
        waits.append(http.PATIENCE.get())
        time.sleep(0.1)
        raise BadRequest("isv.invalid-parameter")

    monkeypatch.setattr(platform, "confirm", slow)
    monkeypatch.setattr(telling, "visibility", lambda: 1.0)
    began = time.monotonic()
    came = telling.tell(account, "b1", [str(n) for n in range(50)])
    assert time.monotonic() - began < 1
    assert (min(waits) > 0, waits == sorted(waits, reverse=True)) == (True, True)
    assert sorted(map(int, came.left + came.refused)) == list(range(50))
    assert "isv.invalid-parameter" in came.why


def test_a_confirm_past_the_lease_that_fails_is_not_confirmed_and_not_called_late(
    platform: FakePlatform, tidings: Stores, account: Account
) -> None:
    platform.failures = [Transient("no reply from the platform in time")]
    confirm.confirm([("1", "handled")], "shop", "b1", time.time() - 21, 20.0)
    (trouble,) = tidings.troubles.read()
    assert (trouble.what, trouble.count, trouble.text) == ("unconfirmed", 1, "no reply from the platform in time")


@pytest.mark.parametrize("error", [BadRequest("isv.invalid-parameter"), Unauthorised("expired", remedy="renew")])
def test_only_what_the_platform_took_counts_as_confirmed(
    platform: FakePlatform, tidings: Stores, account: Account, error: PlatformError
) -> None:
    batch = Batch("shop", "b1", time.time(), 20.0, gateway="tb")
    tidings.batches.open(Open(batch))
    platform.failures = [error] * 5 if isinstance(error, BadRequest) else [error]
    confirm.confirm([(str(n), "handled") for n in range(60)], **batch.to_json())
    counted = tidings.measures.read().counters["confirmed"]["tb",]
    assert counted == len(platform.confirmed)
    assert counted == 60 - (1 if isinstance(error, BadRequest) else 10)


def write_accounts(tmp_path: Path, *changes: tuple[str, str]) -> None:
    """Change the accounts file while batches are under way."""
    text = (tmp_path / "accounts.toml").read_text()
    for before, after in changes:
        text = text.replace(before, after)
    (tmp_path / "accounts.toml").write_text(text)
    runtime.accounts_source.cache_clear()


BEHIND_TB = '[accounts.shop]\ngateway = "tb"'
MOVED = ('[accounts.vshop]\ngateway = "vv"\nshop_id = "123"', '[accounts.vshop]\ngateway = "tb"')
REMOVED = ('[accounts.vshop]\ngateway = "vv"\nshop_id = "123"', "")
REPLACED = (
    ('[gateways.vv]\nplatform = "vvtool"\ntoken = "env:TB_SECRET"', "[gateways.vv]\n" + APP),
    (MOVED[0], MOVED[1].replace("tb", "vv")),
)


@pytest.mark.parametrize("changes", [[MOVED], [REMOVED], REPLACED])
def test_what_vvtool_sent_is_crossed_off_though_its_account_is_another_platforms_now(
    platform: FakePlatform, tidings: Stores, vshop: Account, tmp_path: Path, changes: Sequence[tuple[str, str]]
) -> None:
    """Taobao was told to confirm 0 and 1, the places in the reply, and the reply lay in the inbox for good."""
    tidings.inbox.keep("vshop", "b1", vvtool_body(1), 20)
    tidings.inbox.settle("vshop", "b1", size=2)
    write_accounts(tmp_path, *changes)
    about = Batch("vshop", "b1", time.time(), 20.0, gateway="vv").to_json() | {"platform": "vvtool"}
    confirm.confirm([("0", "handled"), ("1", "dead")], **about)
    assert platform.confirms == []
    assert tidings.inbox.waiting("vshop") == 0
    assert tidings.measures.read().counters["confirmed"] == {("vv",): 2}
    assert tidings.troubles.read() == []


@pytest.mark.parametrize(
    "changes",
    [
        ('[accounts.shop]\ngateway = "tb"', '[accounts.shop]\ngateway = "vv"\nshop_id = "5"'),
        ('[accounts.shop]\ngateway = "tb"', ""),
    ],
)
def test_what_nobody_can_be_told_of_any_more_is_counted_as_not_confirmed(
    platform: FakePlatform, tidings: Stores, account: Account, tmp_path: Path, changes: tuple[str, str]
) -> None:
    write_accounts(tmp_path, changes)
    about = Batch("shop", "b1", time.time(), 20.0, gateway="tb").to_json() | {"platform": "taobao"}
    confirm.confirm([("1", "handled"), ("2", "failed")], **about)
    assert platform.confirms == []
    assert "confirmed" not in tidings.measures.read().counters
    (trouble,) = tidings.troubles.read()
    assert (trouble.what, trouble.count) == ("unconfirmed", 1)
    assert "gone, or of another platform" in trouble.text


def test_a_batch_is_confirmed_by_the_gateway_that_it_came_by(
    platform: FakePlatform, tidings: Stores, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another app confirms nothing of this one's, and may say that it did."""
    asked: list[str] = []

    def client_for(gateway: Gateway) -> FakePlatform:
        asked.append(gateway.name)
        return platform

    monkeypatch.setattr(telling, "client_for", client_for)
    write_accounts(
        tmp_path, ('[accounts.shop]\ngateway = "tb"', f'[gateways.tb2]\n{APP}\n[accounts.shop]\ngateway = "tb2"')
    )
    for gateway in ("tb", "renamed"):
        confirm.confirm([("1", "handled")], **Batch("shop", "b1", time.time(), 20.0, gateway=gateway).to_json())
    assert list(dict.fromkeys(asked)) == ["tb", "tb2"]
    assert platform.confirms == [["1"], ["1"]]


@pytest.mark.parametrize(
    ("was", "now", "asked"), [("g1", "g2", "g1"), ("g1", "", "g1"), ("", "g2", "default"), ("", "", None)]
)
def test_a_batch_is_confirmed_in_the_group_that_it_was_pulled_in(
    tidings: Stores,
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    was: str,
    now: str,
    asked: str | None,
) -> None:
    """In another group its messages would stay, and nothing would say so."""
    groups: list[object] = []

    class InGroups(FakePlatform):
        def confirm(self, account: Account, receipts: Sequence[str]) -> None:
            groups.append(getattr(account, "group", None))

    monkeypatch.setattr(telling, "client_for", lambda gateway: InGroups())
    its = {name: BEHIND_TB + (f'\ngroup = "{name}"\n' if name else "\n") for name in ("", was, now)}
    write_accounts(tmp_path, (its[""], its[was]))
    batch = consume.batch_of(runtime.accounts().accounts["shop"], "b1", time.time())
    write_accounts(tmp_path, (its[was], its[now]))
    confirm.confirm([("1", "handled")], **batch.to_json())
    assert groups == [asked]


def test_what_was_handled_counts_with_its_batch_once_however_often_that_is_confirmed(
    platform: FakePlatform, tidings: Stores, account: Account
) -> None:
    batch = Batch("shop", "b1", time.time(), 20.0, gateway="tb")
    names = tuple((receipt, ("a", receipt)) for receipt in "1234")
    tidings.batches.open(Open(batch, names, topics=(("t", 3), ("u", 1))))
    results = [
        ("1", "handled", 30_000, 2_000_000),
        ("2", "handled", 9_000_000, None),
        ("3", "failed"),
        ("4", "handled"),
    ]
    for _ in range(2):
        confirm.confirm(results, **batch.to_json())
    found = tidings.measures.read()
    assert found.counters["message"] == {("tb", "t", "handled"): 2, ("tb", "t", "failed"): 1}, "4 says it was counted"
    assert found.histograms["handler"]["tb", "t"].buckets == [0, 0, 1, 0, 0, 1, 0, 0]
    assert found.histograms["handler"]["tb", "t"].seconds == 9.03
    assert sum(found.histograms["lag"]["tb", "t"].buckets) == 1


def test_what_was_handled_counts_though_its_batch_is_handed_out_again_before_it_is_confirmed(
    tidings: Stores, vshop: Account
) -> None:
    batch = Batch("vshop", "b1", time.time(), 20.0, gateway="vv")
    start(vshop, batch, Reply(items(1, 2, 3)))
    named = dict(tidings.batches.get("b1").waiting)  # type: ignore[union-attr]
    tidings.marks.finish(named["1"])
    for place, value in enumerate((["1", "handled", 5, 5], None)):
        tidings.parts.add("b1", 3, place, value, 60, lambda _: None)
    start(vshop, replace(batch, pulled=time.time() + 20), Reply(items(1, 2, 3)), new=False)
    confirm.confirm([("2", "handled", 5, 5), ("3", "handled", 5, 5)], **batch.to_json())
    found = tidings.measures.read().counters
    assert found["message"]["vv", "t", "handled"] == found["pulled"]["vv", "t"] == 3


def test_no_message_is_counted_with_a_command_of_its_own(
    platform: FakePlatform, worker: None, registered: Register, tidings: Stores, redis: Redis
) -> None:
    registered(lambda content: None)
    platform.replies = [Reply(items(*range(100)))]
    redis.config_resetstat()
    sending.consume("shop")
    until(lambda: tidings.measures.read().counters["message"].get(("tb", "t", "handled")) == 100)
    assert redis.info("commandstats")["cmdstat_hincrby"]["calls"] < 50


def test_a_confirm_whose_batch_has_run_out_counts_what_it_confirms_and_no_other_outcome(
    platform: FakePlatform, tidings: Stores, account: Account
) -> None:
    batch = Batch("shop", "b1", time.time() - 41, 20.0, gateway="tb")
    for _ in range(2):
        confirm.confirm([("1", "handled"), ("2", "failed")], **batch.to_json())
    counters = tidings.measures.read().counters
    assert platform.confirms == [["1"], ["1"]]
    assert (counters["confirmed"], counters["message"]) == ({("tb",): 1}, {})


def test_what_a_later_version_adds_to_a_task_is_left_out(platform: FakePlatform, tidings: Stores) -> None:
    about = Batch("shop", "b1", time.time(), 20.0).to_json()
    confirm.confirm([("1", "handled", "later"), ("2", "superseded later")], **about, later=1)
    assert platform.confirms == [["1"]]
    consume.consume("shop", later=1)
    assert platform.pulls == 1
    count.count("shop", later=1)


def test_nothing_to_confirm_makes_no_call(platform: FakePlatform, account: Account) -> None:
    assert telling.tell(account, "b1", []) == telling.Came()
    assert platform.confirms == []


def test_a_batch_whose_header_was_killed_is_saved_from_its_marks(
    platform: FakePlatform, worker: None, tidings: Stores, account: Account
) -> None:
    batch = Batch("shop", "b1", time.time(), 20)
    tidings.batches.open(Open(batch, (("r1", ("a", "1")), ("r2", ("a", "2"))), (("r3", "dead"),)))
    tidings.marks.finish(("a", "1"))
    confirm.salvage(None, None, None, **batch.to_json(), later=1)
    until(lambda: platform.confirms)
    assert platform.confirms == [["r1", "r3"]]


def test_what_has_returned_of_a_batch_whose_header_was_killed_counts_as_it_says(
    platform: FakePlatform, worker: None, tidings: Stores, account: Account
) -> None:
    batch = Batch("shop", "b1", time.time(), 20, gateway="tb")
    waiting = tuple((receipt, ("a", receipt)) for receipt in ("r1", "r2", "r3"))
    tidings.batches.open(Open(batch, waiting, topics=(("t", 3),)))
    tidings.parts.expect("b1", 3, 60)
    for place, value in enumerate((["r1", "handled", 9, 9], ["r2", "ignored"], None)):
        tidings.parts.add("b1", 4, place, value, 60, lambda _: None)
    tidings.marks.finish(("a", "r1"))
    confirm.salvage(None, None, None, **batch.to_json())
    until(lambda: not tidings.batches.get("b1"))
    assert platform.confirms == [["r1", "r2"]]
    counted = {outcome: n for (*_, outcome), n in tidings.measures.read().counters["message"].items()}
    assert counted == {"handled": 1, "ignored": 1, "failed": 1}


def test_too_many_open_batches_hold_the_account_until_one_is_confirmed(
    platform: FakePlatform, tidings: Stores, account: Account
) -> None:
    for number in range(4):
        tidings.batches.open(Open(Batch("shop", f"b{number}", time.time(), 20)))
    assert consume.poll(account) == account.poll.min
    assert platform.pulls == 0
    assert tidings.batches.close("b0", "shop")
    consume.poll(account)
    assert platform.pulls == 1


def test_an_unauthorised_account_is_paused_and_not_called_again(
    platform: FakePlatform, tidings: Stores, account: Account
) -> None:
    platform.replies = [Unauthorised("session expired", remedy="renew accounts.shop.session")]
    following = consume.poll(account)
    assert 0 < following <= 30
    for _ in range(3):
        assert 0 < consume.poll(account) <= 30
    assert platform.pulls == 1
    pause, _ = tidings.pauses.get("shop", "tb")
    assert pause is not None
    assert (pause.reason, pause.remedy) == ("session expired", "renew accounts.shop.session")


def test_an_account_that_is_gone_is_not_polled(platform: FakePlatform, tidings: Stores) -> None:
    consume.consume("gone")
    assert platform.pulls == 0


def vvtool_body(*ids: int) -> bytes:
    rows = [
        {"id": 7, "msg_data": json.dumps({"id": id_, "topic": "t", "content": "{}", "pub_time": ""})} for id_ in ids
    ]
    return json.dumps(
        {"code": 0, "data": {"msg": [*rows, {"id": 8, "msg_data": "broken"}], "withholding_money": 1}}
    ).encode()


@pytest.fixture
def proxy(platform: FakePlatform, vshop: Account, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """vvtool's real client, with its HTTP call answered from this list."""
    bodies: list[bytes] = []

    class Offline(VvtoolClient):
        def pull(self, account: Account, *, keep: Keep | None = None) -> Reply:
            body = bodies.pop(0)
            assert keep is not None
            keep(body)
            return self.read(body)

    monkeypatch.setattr(consume, "client_for", Offline)
    return bodies


def test_what_vvtool_sent_once_leaves_the_inbox_when_all_of_it_is_done(
    proxy: list[bytes], worker: None, registered: Register, tidings: Stores
) -> None:
    registered(handler)
    proxy += [vvtool_body(1, 2, 3)]
    sending.consume("vshop")
    until(lambda: tidings.batches.load("vshop").batches == 0 and len(tidings.letters) == 1)
    until(lambda: tidings.inbox.waiting("vshop") == 0)
    counted = tidings.tally.read_many(["vshop"], now=time.time())["vshop"]
    assert counted.items() >= {"calls": 1, "points": 1, "pulled": 4, "handled": 3}.items()


def test_a_message_that_stands_twice_in_a_reply_of_vvtool_leaves_the_inbox_with_it(
    proxy: list[bytes], worker: None, registered: Register, tidings: Stores
) -> None:
    """It was handed out once more after the lease, with a warning, only to be known by its mark."""
    calls: Counter[str] = Counter()

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        calls[message.id] += 1

    registered(on_any)
    proxy += [vvtool_body(1, 1, 2)]
    sending.consume("vshop")
    until(lambda: calls.total() == 2 and tidings.inbox.waiting("vshop") == 0, 60)
    until(lambda: tidings.batches.load("vshop").batches == 0, 60)
    counted = {outcome: n for (*_, outcome), n in tidings.measures.read().counters["message"].items()}
    assert (calls, counted) == ({"1": 1, "2": 1}, {"handled": 2, "duplicate": 1, "dead": 1})


def test_what_was_not_done_within_its_lease_is_handed_out_again_from_the_inbox(
    proxy: list[bytes], worker: None, registered: Register, tidings: Stores, vshop: Account
) -> None:
    seen: list[str] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        seen.append(message.id)

    registered(on_any)
    tidings.inbox.keep("vshop", "b1", vvtool_body(1, 2, 3), 0)
    tidings.inbox.settle("vshop", "b1", ["1"])
    assert consume.poll(vshop) == 0
    until(lambda: tidings.inbox.waiting("vshop") == 0)
    assert sorted(seen) == ["1", "3"]
    assert proxy == []


def test_a_reply_whose_worker_was_killed_before_it_handed_it_out_counts_as_pulled_once(
    proxy: list[bytes], tidings: Stores, vshop: Account, redis: Redis
) -> None:
    tidings.inbox.keep("vshop", "b1", vvtool_body(1, 2, 3), 0)
    for _ in range(2):
        assert consume.poll(vshop) == 0
        redis.zadd("tidings:inbox:vshop", {"b1": 0})
    assert tidings.measures.read().counters["pulled"] == {("vv", "t"): 3, ("vv", ""): 1}
    assert tidings.tally.read_many(["vshop"], now=time.time())["vshop"] == {"calls": 1, "points": 1, "pulled": 4}


def test_what_an_account_left_in_the_inbox_is_told_when_it_is_of_another_platform_now(
    platform: FakePlatform, tidings: Stores, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """A shop that leaves vv-tool for Taobao itself keeps its name; nobody hands out what vv-tool has sent it."""
    tidings.inbox.keep("shop", "b1", vvtool_body(1), 0)
    for _ in (1, 2):
        consume.poll(account)
    assert caplog.text.count("shop is no account of vv-tool now, and 1 stored replies") == 1
    assert gone() == {"shop": 1}


def test_a_reply_that_is_replayed_counts_as_no_call(
    proxy: list[bytes], tidings: Stores, vshop: Account, redis: Redis
) -> None:
    letter = Letter(Item("", "1", "", vvtool_body(1).decode()), "vvtool", "vshop", "cannot be read", reply=True)
    assert redrive.send([letter]) == 1
    assert consume.poll(vshop) == 0
    assert tidings.tally.read_many(["vshop"], now=time.time())["vshop"] == {}


def test_what_nobody_handles_is_left_in_the_inbox_until_somebody_does(
    proxy: list[bytes],
    worker: None,
    registered: Callable[..., Registry],
    tidings: Stores,
    vshop: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIDINGS_UNHANDLED", "leave")
    settings.cache_clear()
    registry = registered(handler, "other")
    tidings.inbox.keep("vshop", "b1", vvtool_body(1, 2, 3), 0)
    assert consume.poll(vshop) == 0
    until(lambda: len(tidings.letters) == 1 and tidings.batches.load("vshop").batches == 0)
    assert tidings.inbox.waiting("vshop") == 1
    today = tidings.tally.read_many(["vshop"], now=time.time())["vshop"]
    assert (today["unhandled"], today["failed"]) == (3, 3)
    registry.handles("t")(handler)
    tidings.inbox.keep("vshop", "b1", vvtool_body(1, 2, 3), 0)
    assert consume.poll(vshop) == 0
    until(lambda: tidings.inbox.waiting("vshop") == 0)
    assert tidings.tally.read_many(["vshop"], now=time.time())["vshop"]["handled"] == 3


def test_a_pause_by_the_platform_holds_calls_and_one_by_a_person_holds_everything(
    proxy: list[bytes], vshop: Account, tidings: Stores
) -> None:
    now = time.time()
    tidings.inbox.keep("vshop", "b1", vvtool_body(1), 0)
    tidings.pauses.put("account", "vshop", Pause(now + 60, "mistake"), now=now)
    assert 0 < consume.poll(vshop) <= 30
    tidings.pauses.end("account", "vshop")
    tidings.pauses.put("account", "vshop", Pause(now + 60, "302", fingerprint=fingerprint(vshop)), now=now)
    assert consume.poll(vshop) == 0
    assert 0 < consume.poll(vshop) <= 30


def test_an_empty_reply_leaves_nothing_in_the_inbox(proxy: list[bytes], vshop: Account, tidings: Stores) -> None:
    proxy += [b'{"code":0,"data":{"msg":[]}}', b'{"code":202,"msg":"busy"}']
    for _ in (1, 2):
        consume.poll(vshop)
    assert tidings.inbox.waiting("vshop") == 0


def test_a_reply_that_cannot_be_read_becomes_a_letter_that_can_be_replayed(
    proxy: list[bytes], vshop: Account, tidings: Stores
) -> None:
    body = "<html>维护中".encode()
    proxy += [body]
    consume.poll(vshop)
    assert tidings.inbox.waiting("vshop") == 0
    (letter,) = tidings.letters.all()
    assert letter.reply
    assert redrive.send([letter]) == 1
    assert len(tidings.letters) == 0
    kept = tidings.inbox.again("vshop", 60)
    assert kept is not None
    assert kept.body == body


def test_a_time_that_is_none_makes_no_batch_old(registered: Register, account: Account, tidings: Stores) -> None:
    """PHP's zero, and .NET's: the oldest message was 56 years old, by which alerts ring and workers are added."""
    registered(handler)
    now = time.time()
    for number, text in enumerate(("1970-01-01 08:00:00", "0001-01-01 00:00:00")):
        item = Item(str(number), str(number), "t", "{}", text)
        dispatch.start(account, Batch("shop", f"b{number}", now, 20.0, gateway="tb"), Reply((item,)))
    assert [each.oldest for each in tidings.batches.under_way(now)] == pytest.approx([now, now], abs=1)


def test_a_page_that_comes_with_each_poll_is_one_letter_and_another_is_another(
    proxy: list[bytes], vshop: Account, tidings: Stores
) -> None:
    """An hour of "we are being mended" made sixty letters of each account, all of them to be dropped by a person."""
    proxy += ["<html>维护中".encode()] * 3 + [b"<html>502"]
    for _ in range(4):
        consume.poll(vshop)
    assert tidings.inbox.waiting("vshop") == 0
    assert len(tidings.letters) == 2
    assert redrive.send(tidings.letters.all()) == 2
    assert tidings.inbox.waiting("vshop") == 2


def test_nothing_but_marks_and_counters_is_left_of_many_batches(
    platform: FakePlatform, worker: None, registered: Register, tidings: Stores, redis: Redis
) -> None:
    registered(handler)
    platform.replies = [Reply(items(*range(n * 100, n * 100 + 100))) for n in range(5)]
    sending.consume("shop")
    until(lambda: len(platform.confirmed) == 500, 30)
    until(lambda: tidings.batches.load("shop").batches == 0)
    kinds = Counter(":".join(key.split(":")[1:2]) for key in redis.scan_iter("*") if redis.ttl(key) != -1)
    lasting = {key for key in redis.scan_iter("*") if redis.ttl(key) == -1}
    assert kinds["mark"] == 500
    assert kinds["batch"] == kinds["open"] == kinds["parts"] == 0
    assert all(
        key.startswith(
            tuple(f"tidings:{name}" for name in ("due:", "seen", "installation", "_kombu", "unacked", "measures"))
        )
        for key in lasting
    )
    assert not any("celery-task" in key for key in redis.scan_iter("*"))


def handler(content: dict[str, Any]) -> None:
    """Takes anything."""
