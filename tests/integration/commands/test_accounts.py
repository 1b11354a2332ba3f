"""`celery -A tasks accounts`, on a real Valkey."""

import time
from pathlib import Path

import pytest

from tasks import runtime
from tasks.accounts import Account
from tasks.calling import pausing
from tasks.commands.accounts import accounts
from tasks.platforms.errors import Unauthorised
from tasks.rules.circuit_breaker import Pause
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tasks.store.batches import Open
from tasks.store.seen import Seen
from tests.integration.commands.running import run

HOSTILE = "[red]\x1b[2J\u202e\n"


@pytest.fixture
def polled(tidings: Stores) -> Stores:
    """The stores, with both accounts due in a while."""
    tidings.due.seed({"shop": 100, "vshop": 200})
    return tidings


def due_in(stores: Stores, name: str) -> float:
    return stores.due.delays([name])[name]


def test_the_list_shows_every_account_with_its_state_and_todays_figures(polled: Stores) -> None:
    polled.due.put("shop", 300)
    polled.seen.put("shop", Seen(at=time.time(), interval=8.0))
    polled.batches.open(Open(Batch("shop", "b", time.time(), 60)))
    polled.tally.add("shop", {"calls": 3, "pulled": 5, "unhandled": 2, "superseded": 4}, now=time.time())
    polled.pauses.put("account", "vshop", Pause(time.time() + 600, "27: expired", "renew it"), now=time.time())
    head, shop, vshop = (line.split() for line in run(accounts, "list").out.splitlines())
    assert head[:8] == ["account", "gateway", "platform", "state", "next", "every", "open", "calls"]
    assert shop == ["shop", "tb", "taobao", "polled", "4m", "8s", "1", "3", "5", "0", "0", "0", "2", "4"]
    assert vshop[3:5] == ["paused", "until"]
    assert vshop[-4:] == ["27:", "expired;", "renew", "it"]


def test_as_json_it_has_everything(polled: Stores) -> None:
    run(accounts, "pause", "shop", "--reason", "holiday")
    shop, vshop = run(accounts, "list", "--json").rows
    pause = {"whom": "account", "by_hand": True, "until": None, "reason": "holiday", "remedy": ""}
    assert (shop["name"], shop["state"], shop["paused"]) == ("shop", "paused", pause)
    assert (vshop["state"], vshop["paused"], vshop["open_batches"], vshop["today"]) == ("polled", None, 0, {})
    assert 190 < vshop["next_in"] < 201
    assert [row["name"] for row in run(accounts, "list", "--json", "--paused").rows] == ["shop"]
    assert [row["name"] for row in run(accounts, "list", "--json", "v*").rows] == ["vshop"]


def test_a_name_that_no_account_has_is_not_listed_as_nothing(polled: Stores) -> None:
    said = run(accounts, "list", "shap", "shop")
    assert (said.code, said.out) == (2, "")
    assert "there is no account shap; did you mean shop, vshop?" in said.err
    assert run(accounts, "list", "no-such-*").code == 0, "a pattern may fit none"


def test_an_account_that_no_beat_knows_yet_is_listed(tidings: Stores) -> None:
    assert run(accounts, "list", "--json").rows[0]["next_in"] is None
    assert "no beat" in run(accounts, "list").out


def test_a_pause_by_hand_keeps_consume_from_calling_until_it_is_resumed(polled: Stores, account: Account) -> None:
    assert run(accounts, "pause", "shop").out == "account shop is paused until it is resumed\n"
    assert pausing.look(account).wait > 0
    said = run(accounts, "resume", "shop")
    assert (said.code, said.out) == (0, "account shop is resumed\n")
    assert pausing.look(account).wait == 0
    assert due_in(polled, "shop") <= 0
    assert run(accounts, "resume", "shop").out == "account shop was not paused\n"


def test_a_pause_for_a_time_ends_by_itself(polled: Stores, account: Account) -> None:
    run(accounts, "pause", "shop", "--for", "1s")
    assert 0 < pausing.look(account).wait <= 1
    time.sleep(1.05)
    assert pausing.look(account).wait == 0


def test_what_a_call_under_way_learns_does_not_end_a_pause_by_hand(polled: Stores, account: Account) -> None:
    run(accounts, "pause", "shop", "--reason", HOSTILE)
    pausing.after(account, Unauthorised("expired", remedy="renew it"))
    pause, _ = polled.pauses.get("shop", "tb")
    assert pause is not None
    assert (pause.reason, pause.by_hand) == (HOSTILE, True)


def test_a_person_may_change_a_pause_and_a_platforms_pause_follows_one_that_is_over(polled: Stores) -> None:
    now = time.time()
    by_hand = Pause(now + 60, "a", by_hand=True)
    assert polled.pauses.put("account", "shop", by_hand, now=now)
    assert polled.pauses.put("account", "shop", Pause(now + 5, "b", by_hand=True), now=now)
    assert not polled.pauses.put("account", "shop", Pause(now + 90, '"by_hand": true'), now=now + 4)
    assert polled.pauses.put("account", "shop", Pause(now + 90, '"by_hand": true'), now=now + 6)
    assert polled.pauses.put("account", "shop", Pause(now + 99, "d"), now=now + 7)


def test_a_gateway_is_paused_and_resumed_with_all_its_accounts(polled: Stores, account: Account) -> None:
    assert run(accounts, "pause", "--gateway", "tb", "--for", "2h").code == 0
    assert pausing.look(account).wait > 0
    assert "gateway paused by hand until" in run(accounts, "list", "--paused").out
    told = run(accounts, "resume", "shop")
    assert "celery -A tasks accounts resume --gateway tb" in told.err
    assert run(accounts, "resume", "--gateway", "tb").out == "gateway tb is resumed\n"
    assert pausing.look(account).wait == 0
    assert due_in(polled, "shop") <= 0
    assert due_in(polled, "vshop") > 100


def test_poll_makes_an_account_due_now_unless_it_is_paused(polled: Stores) -> None:
    assert run(accounts, "poll", "shop").out == "account shop is polled now\n"
    assert due_in(polled, "shop") <= 0
    run(accounts, "pause", "vshop")
    said = run(accounts, "poll", "shop", "vshop")
    assert said.code == 1
    assert "account vshop: paused by hand" in said.err
    assert due_in(polled, "vshop") > 100


def test_without_a_beat_a_poll_says_what_is_missing(tidings: Stores) -> None:
    assert "a beat polls them when it starts" in run(accounts, "poll", "shop").err


@pytest.mark.parametrize("command", ["pause", "resume", "poll"])
def test_unknown_names_are_refused_with_near_ones_and_nothing_is_done(polled: Stores, command: str) -> None:
    said = run(accounts, command, "shop", "vshopp", "\x1b[31m")
    assert said.code == 2
    assert "there is no account vshopp; did you mean vshop, shop?" in said.err
    assert "there is no account \\x1b[31m" in said.err
    assert due_in(polled, "shop") > 90
    assert polled.pauses.get("shop", "tb") == (None, None)
    assert run(accounts, command).code == 2


def test_an_unknown_gateway_and_a_wrong_span_are_refused(polled: Stores) -> None:
    assert "there is no gateway tbb; did you mean tb?" in run(accounts, "pause", "--gateway", "tbb").err
    assert run(accounts, "pause", "shop", "--for", "5").code == 2
    assert polled.pauses.get("shop", "tb") == (None, None)


def test_hostile_reasons_are_escaped(polled: Stores) -> None:
    run(accounts, "pause", "shop", "--reason", HOSTILE)
    assert "[red]\\x1b[2J\\u202e\\n" in run(accounts, "list").out
    assert run(accounts, "list", "--json").rows[0]["paused"]["reason"] == HOSTILE


def test_accounts_that_cannot_be_read_are_told_with_their_faults(tidings: Stores, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text("[accounts.shop]\ngateway = 'nobody'\n")
    said = run(accounts, "list")
    assert said.code == 1
    assert "accounts.shop.gateway" in said.err


def test_ten_thousand_accounts_are_listed_within_seconds(tidings: Stores, tmp_path: Path) -> None:
    rows = "".join(f'[accounts.shop-{number}]\ngateway = "tb"\n' for number in range(10_000))
    gateway = '[gateways.tb]\nplatform = "taobao"\napp_key = "1"\napp_secret = "env:TB_SECRET"\n'
    (tmp_path / "accounts.toml").write_text(gateway + rows)
    runtime.accounts_source.cache_clear()
    names = runtime.accounts().accounts
    tidings.due.seed(dict.fromkeys(names, 5.0))
    tidings.pauses.put("account", "shop-77", Pause(time.time() + 60, "x"), now=time.time())
    started = time.process_time()
    said = run(accounts, "list")
    assert time.process_time() - started < 15, "2 to 3 s; how busy the machine is counts for nothing"
    assert len(said.out.splitlines()) == 10_001
    assert "10000 of 10000 accounts, 1 paused" in said.err
