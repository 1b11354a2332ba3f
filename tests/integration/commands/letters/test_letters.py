"""`celery -A tasks letters`, on a real Valkey, and replays on a real worker."""

import json
import logging
import os
import pty
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery.contrib.testing.worker import start_worker
from click.testing import CliRunner
from redis import Redis

from handlers import Message, Reject
from handlers.trade import TradeBuyerPay
from tasks import app, clock, runtime
from tasks.commands.letters import letters
from tasks.commands.letters.replaying import Watch
from tasks.handle import deliver
from tasks.redrive import REPLAY_SECONDS
from tasks.runtime import Stores
from tasks.store.letters import Letter
from tasks.store.presence import Presence
from tasks.store.seen import Seen
from tests import ready
from tests.integration.commands.running import assert_harmless, run
from tests.integration.test_handle import delivery
from tests.ports import free_port

Register = Callable[..., object]
HOSTILE = "\x1b]0;gone\x07[red]\u202e\n\r\ud800" + "x" * 10_000


def bury(stores: Stores, id_: str, **fields: object) -> str:
    """A letter of the account `shop`, by default of a topic `t`."""
    common: dict[str, object] = {"platform": "taobao", "account": "shop", "topic": "t", "message_id": id_}
    rest = {"content": '{"buyer": "ZHANG SAN"}', "reason": "no such shop", "names": ("app", id_)}
    return stores.letters.bury(Letter.from_json({**common, **rest, **fields}))


@pytest.fixture
def three(tidings: Stores) -> list[str]:
    """The ids of three letters that differ in everything, the oldest first."""
    return [
        bury(tidings, "1", account="shop-a", topic="taobao_trade_TradeBuyerPay", buried=time.time() - 7200),
        bury(
            tidings, "2", account="shop-b", topic="taobao_item_ItemAdd", reason="Out of stock", buried=time.time() - 60
        ),
        bury(tidings, "3", account="other", topic="qianmi_x", traceback="Traceback\n  boom"),
    ]


@pytest.fixture
def worker(tidings: Stores) -> Iterator[None]:
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, loglevel=logging.CRITICAL):
        yield


def test_the_list_shows_what_an_operator_needs_and_no_content(three: list[str]) -> None:
    said = run(letters, "list")
    head, *rows = said.out.splitlines()
    assert head.split() == ["id", "age", "account", "topic", "message", "tries", "reason"]
    assert [row.split()[0] for row in rows] == three
    assert rows[0].split()[1:] == ["2h", "shop-a", "taobao_trade_TradeBuyerPay", "1", "1", "no", "such", "shop"]
    assert "ZHANG" not in said.out + run(letters, "list", "--json").out


@pytest.mark.parametrize(
    "content",
    [
        '{"buyer_nick": "张三丰"}',
        json.dumps({"buyer_nick": "张三丰"}),
        json.dumps({"msg_data": json.dumps({"content": json.dumps({"buyer_nick": "张三丰"})})}),
        '{"data": {"buyer_nick": "张三丰"'.encode().decode("latin-1"),
    ],
    ids=["as it is", "escaped", "escaped three times", "bytes of a reply"],
)
def test_letters_that_tell_of_a_buyer_are_found_however_that_is_written(
    tidings: Stores, three: list[str], content: str
) -> None:
    bury(tidings, "buyers", content=content)
    (found,) = run(letters, "list", "--holding", "张三丰", "--json").rows
    assert found["message_id"] == "buyers"
    assert run(letters, "drop", "--holding", "张三丰", "--yes").code == 0
    assert [letter.id for letter in tidings.letters.all()] == three


@pytest.fixture
def many(tidings: Stores, three: list[str]) -> None:
    """Thirty letters of one model that does not fit, in two accounts, one that failed elsewhere, and three others."""
    for number in range(30):
        reason, account = f"orders[{number}].buyer_nick: missing", f"shop-{number % 2}"
        bury(tidings, f"m{number}", topic="taobao_trade_TradeCreate", reason=reason, account=account)
    bury(tidings, "f", topic="taobao_trade_TradeCreate", reason="failed in 5 deliveries, at last with KeyError: 'tid'")


def test_letters_that_share_a_reason_are_counted_above_the_list(tidings: Stores, many: None) -> None:
    said = run(letters, "list")
    head, first, *others = said.out.split("\n\n")[0].splitlines()
    assert head.split() == ["letters", "topic", "accounts", "latest", "latest", "id", "reason"]
    words = first.split()
    assert (words[:3], words[5:]) == (
        ["30", "taobao_trade_TradeCreate", "2"],
        ["orders*.buyer_nick:", "missing"],
    )
    assert run(letters, "show", words[4]).code == 0
    assert [row.split()[0] for row in others] == ["1"] * 4
    assert len(said.out.split("\n\n")[1].splitlines()) == 1 + 34
    assert said.err == "34 letters\n"


def test_groups_alone_and_as_json(tidings: Stores, many: None) -> None:
    said = run(letters, "list", "--groups")
    assert (len(said.out.splitlines()), said.err) == (1 + 5, "34 letters\n")
    rows = run(letters, "list", "--groups", "--json", "--most", "1").rows
    assert [(row["letters"], row["topic"], row["accounts"], row["reason"]) for row in rows] == [
        (30, "taobao_trade_TradeCreate", ["shop-0", "shop-1"], "orders*.buyer_nick: missing")
    ]
    found = run(letters, "list", "--json", "--reason", rows[0]["reason"]).rows
    assert len(found) == 30
    assert run(letters, "list", "--groups", "nobody").code == 1
    assert run(letters, "list", "--groups", "--account", "nobody").err == "no letter fits\n"


def test_many_reasons_are_cut_above_the_list(tidings: Stores) -> None:
    for number in range(24):
        bury(tidings, str(number), topic=f"t{number // 2}")
    top = run(letters, "list").out.split("\n\n")[0].splitlines()
    assert (len(top), top[-1]) == (1 + 10 + 1, "and 2 more reasons and topics: --groups shows all")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--account", "shop-*"], [0, 1]),
        (["--topic", "*_TradeBuyerPay"], [0]),
        (["--reason", "stock"], [1]),
        (["--reason", "no * shop"], [0, 2]),
        (["--older", "1h"], [0]),
        (["--newer", "30s"], [2]),
        (["--older", "30s", "--account", "shop-b"], [1]),
        (["--most", "2"], [0, 1]),
        (["--account", "nobody"], []),
    ],
)
def test_filters_choose(three: list[str], words: list[str], found: list[int]) -> None:
    said = run(letters, "list", "--json", *words)
    assert [row["id"] for row in said.rows] == [three[place] for place in found]
    assert said.code == 0


@pytest.mark.parametrize("name", ["shop-*", "shop-?", "*"])
@pytest.mark.parametrize("has_letters", [True, False])
def test_the_name_of_an_account_is_no_pattern(tidings: Stores, three: list[str], name: str, has_letters: bool) -> None:
    """Dropping the letters of a `shop-*` would have dropped those of every shop."""
    its = [bury(tidings, "4", account=name)] if has_letters else []
    tidings.seen.put(name, Seen(at=time.time()))
    assert [row["id"] for row in run(letters, "list", "--json", "--account", name).rows] == its
    assert run(letters, "drop", "--account", name, "--yes").code == 0
    assert [letter.id for letter in tidings.letters.all()] == three


def test_ids_choose_and_one_that_nobody_has_is_an_error(three: list[str]) -> None:
    said = run(letters, "list", "--json", three[2], "nobody\x1b", three[0])
    assert [row["id"] for row in said.rows] == [three[0], three[2]]
    assert said.code == 1
    assert "there is no letter nobody\\x1b" in said.err


def test_one_letter_is_shown_whole(three: list[str]) -> None:
    said = run(letters, "show", three[2])
    assert '  {"buyer": "ZHANG SAN"}' in said.out
    assert "  Traceback\n    boom" in said.out
    (row,) = run(letters, "show", "--json", three[2]).rows
    assert row["content"] == '{"buyer": "ZHANG SAN"}'
    assert (run(letters, "show", "x").code, run(letters, "show").code) == (1, 2)


def test_what_is_exported_can_be_buried_elsewhere_as_it_was(tidings: Stores, three: list[str]) -> None:
    bury(tidings, "4", topic=HOSTILE, content=HOSTILE)
    before = list(tidings.letters.all())
    rows = run(letters, "export").rows
    tidings.letters.drop(tidings.letters.ids())
    for row in rows:
        assert tidings.letters.bury(Letter.from_json(row)) == row["id"]
    assert list(tidings.letters.all()) == before
    assert [row["id"] for row in run(letters, "export", "--account", "shop-a").rows] == three[:1]


def test_hostile_letters_reach_no_terminal_as_they_are(tidings: Stores) -> None:
    hostile = dict.fromkeys(("topic", "content", "reason", "traceback", "user_nick", "pub_time"), HOSTILE)
    id_ = bury(tidings, HOSTILE, account=HOSTILE, **hostile)
    for words in (["list"], ["list", "--json"], ["show", id_], ["show", id_, "--json"], ["export"]):
        said = run(letters, *words)
        assert said.code == 0
        assert "[red]" in said.out
    (_, row) = run(letters, "list").out.splitlines()
    assert row.startswith(id_)
    assert len(row) < 800


def test_dropping_takes_a_choice_and_a_yes(tidings: Stores, three: list[str]) -> None:
    for words in ([], ["--all", three[0]], ["--all", "--account", "*"], ["--account", ""], ["--older", "soon"]):
        assert run(letters, "drop", "--yes", *words).code == 2
    refused = run(letters, "drop", "--all")
    assert refused.code == 2
    assert "add --yes" in refused.err
    assert len(tidings.letters) == 3
    assert run(letters, "drop", "--reason", "stock", "--yes").out == "1 letters dropped\n"
    assert run(letters, "drop", "--reason", "stock", "--yes").code == 0
    assert run(letters, "drop", three[1], three[2], "--yes").code == 1
    assert tidings.letters.ids() == three[:1]
    assert run(letters, "drop", "--all", "--yes").code == 0
    assert run(letters, "list").out == ""


def test_more_letters_are_dropped_than_one_command_takes(tidings: Stores, redis: Redis) -> None:
    for number in range(1200):
        bury(tidings, str(number))
    assert run(letters, "drop", "--all", "--yes").out == "1200 letters dropped\n"
    assert redis.keys("tidings:letters*") == []


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 3), (b"y\n", 0)])
def test_in_a_terminal_dropping_asks(
    tidings: Stores,
    three: list[str],
    answer: bytes,
    left: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    leader, follower = pty.openpty()
    os.write(leader, answer)
    with os.fdopen(follower) as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", terminal)
        with pytest.raises(SystemExit) as ended:
            letters.main(["drop", "--all"])
    os.close(leader)
    assert "Drop 3 letters for good?" in "".join(capsys.readouterr())
    assert (ended.value.code, len(tidings.letters)) == (0 if not left else 1, left)


def test_a_replayed_letter_leaves_when_it_is_handled_and_stays_with_the_new_reason_when_not(
    tidings: Stores, worker: None, registered: Register
) -> None:
    seen: list[str] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        if message.id == "2":
            raise Reject("still out of stock")
        seen.append(message.id)

    registered(on_any)
    for number in (1, 2, 3):
        bury(tidings, str(number))
    said = run(letters, "replay", "--all", "--seconds", "20")
    assert said.out.splitlines() == [
        "2 of 3 letters handled and gone",
        "1 came back, with a new reason: celery -A tasks letters list",
    ]
    assert said.code == 1
    assert sorted(seen) == ["1", "3"]
    assert [(left.item.id, left.reason) for left in tidings.letters.all()] == [("2", "still out of stock")]


def test_a_message_that_did_not_fit_its_model_is_replayed_as_it_came(
    tidings: Stores, worker: None, registered: Register
) -> None:
    """Byte for byte, once there is a handler that can take it: members that no model knows and odd spaces are still there."""
    content = '{"tid":  1588826713157361977, "payment": "a lot", "buyer_nick": "\\u96e8", "unheard_of": [1.0, null]}\n'
    seen: list[str] = []

    def on_paid(trade: TradeBuyerPay) -> None:
        pytest.fail("called with content that does not fit")

    def on_text(text: str) -> None:
        seen.append(text)

    registered(on_paid)
    assert deliver(delivery(content=content)) == "dead"
    (letter,) = tidings.letters.all()
    assert (letter.item.content, letter.reason) == (content, "payment: value_error")
    registered(on_text, letter.item.topic)
    assert run(letters, "replay", "--all", "--seconds", "20").code == 0
    assert (seen, list(tidings.letters.all())) == ([content], [])


def test_a_thousand_letters_are_replayed_in_one_go(tidings: Stores, worker: None, registered: Register) -> None:
    def on_any(content: dict) -> None: ...  # type: ignore[type-arg]

    registered(on_any)
    for number in range(1200):
        bury(tidings, str(number))
    said = run(letters, "replay", "--all", "--seconds", "20")
    assert (said.code, said.out) == (0, "1200 of 1200 letters handled and gone\n")
    assert len(tidings.letters) == 0


def test_a_letter_whose_topic_nobody_handles_stays_and_it_is_said_at_once(
    tidings: Stores, worker: None, registered: Register
) -> None:
    bury(tidings, "1")
    said = run(letters, "replay", "--topic", "t", "--seconds", "20")
    assert said.out.splitlines()[1] == "1 stay as they were: nobody handles their topic"
    assert (said.code, len(tidings.letters)) == (1, 1)


def test_without_a_worker_it_stops_waiting_and_says_so(tidings: Stores) -> None:
    bury(tidings, "1")
    said = run(letters, "replay", "--all", "--seconds", "0.3")
    assert "1 are under way or are being tried again" in said.out
    assert "no worker answers: start one with `celery -A tasks worker`" in said.out
    assert (said.code, len(tidings.letters)) == (1, 1)


def test_a_replay_that_waits_in_a_queue_that_no_worker_takes_says_which_and_what_to_start(tidings: Stores) -> None:
    bury(tidings, "1")
    tidings.presences.put(Presence("worker", "pull@there", 1, queues=("consume", "confirm")))
    said = run(letters, "replay", "--all", "--seconds", "0.3")
    told = "no worker takes what waits in the queue handle: start one with `celery -A tasks worker -Q handle`"
    assert (said.code, said.out.splitlines()[-1]) == (1, told)
    tidings.presences.put(Presence("worker", "handle@there", 2, queues=("handle",)))
    assert "no worker" not in run(letters, "replay", "--all", "--seconds", "0.3").out


def test_no_wait_only_sends(tidings: Stores) -> None:
    id_ = bury(tidings, "1")
    said = run(letters, "replay", id_, "--no-wait")
    assert (said.code, said.out) == (0, "1 letters sent\n")


def test_what_is_queued_already_is_not_queued_once_more(
    tidings: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its replay has ended, or would have at the latest if it is lost."""
    first = bury(tidings, "1")
    assert run(letters, "replay", first, "--no-wait").code == 0
    second = bury(tidings, "2")
    said = run(letters, "replay", "--all", "--no-wait")
    assert (said.code, said.out) == (1, "1 letters sent\n")
    assert "1 letters are queued already" in said.err
    assert run(letters, "replay", "--all", "--no-wait").out == ""
    assert redis.llen("tidings:handle") == 2
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + REPLAY_SECONDS + 1)
    assert run(letters, "replay", first, second, "--no-wait").out == "2 letters sent\n"
    tidings.letters.drop([first, second])
    assert not redis.exists("tidings:letters:queued")


def test_a_letter_that_stays_can_be_replayed_again_at_once(tidings: Stores, worker: None, registered: Register) -> None:
    bury(tidings, "1")
    for _ in range(2):
        said = run(letters, "replay", "--all", "--seconds", "20")
        assert said.out.splitlines()[1] == "1 stay as they were: nobody handles their topic"


def test_what_was_never_readable_as_a_message_is_told_and_stays(tidings: Stores) -> None:
    bury(tidings, "1", names=())
    said = run(letters, "replay", "--all")
    assert said.code == 1
    assert "1 letters were never readable as messages and cannot be replayed" in said.err
    assert len(tidings.letters) == 1


def test_an_unreadable_reply_goes_back_to_the_inbox(tidings: Stores) -> None:
    bury(tidings, "batch", account="vshop", platform="vvtool", names=(), reply=True)
    said = run(letters, "replay", "--all")
    assert said.code == 0
    assert "1 unreadable replies are read again" in said.out
    assert tidings.inbox.waiting("vshop") == 1


def test_a_watch_is_not_confused_by_midnight(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    bury(tidings, "1")
    watch = Watch(tidings.letters.ids(), {"shop"})
    tomorrow = time.time() + 24 * 3600
    monkeypatch.setattr("tasks.clock.now", lambda: tomorrow)
    tidings.tally.add("shop", {"replayed_ignored": 1}, now=tomorrow)
    assert watch.look(1).under_way == 0


def test_a_redis_that_does_not_answer_is_one_line(tidings: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    for cached in ("stores", "connect", "settings"):
        getattr(runtime, cached).cache_clear()
    said = run(letters, "list")
    assert said.code == 1
    assert said.err.startswith("Error: Redis does not answer: ")
    assert "hunter2" not in said.err


def test_it_is_part_of_celerys_command_line(tidings: Stores, three: list[str], tmp_path: Path) -> None:
    done = ready.run(["-m", "celery", "-A", "tasks", "letters", "list", "--json"], tmp_path, os.environ)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == three
    assert_harmless(done.stdout)
    assert CliRunner().invoke(letters, ["--help"]).exit_code == 0
