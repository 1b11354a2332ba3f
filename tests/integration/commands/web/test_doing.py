"""What an operator sees and does on the page."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from starlette.testclient import TestClient

from tasks import redrive
from tasks.accounts.roster import Roster
from tasks.clock import DAY
from tasks.platforms.base import Item
from tasks.rules.circuit_breaker import WITHOUT_END, Pause
from tasks.runtime import Stores
from tasks.settings import settings
from tasks.store.letters import Letter
from tasks.store.quota import day_key
from tests.integration.commands.web.conftest import READER, Browser

TOPIC = "taobao_trade_TradeBuyerPay"


def buried(
    stores: Stores, number: int, reason: str = "failed in 5 deliveries, at last with OSError (at paid.py:4)"
) -> str:
    item = Item("", str(number), TOPIC, '{"buyer_nick": "张三"}')
    return stores.letters.bury(Letter(item, "taobao", "shop", reason, names=(f"n{number}",), kind="failed"))


def told(browser: Browser, path: str) -> str:
    """What a page says, without its markup, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", browser.get(path).text).split())


def test_an_account_is_paused_with_a_reason_and_resumed(operator: Browser, web: Stores) -> None:
    reply = operator.post("/pause", kind="account", name="shop", reason="stock-taking", **{"for": "1h"})
    assert reply.headers["location"] == "/account?name=shop&done=paused"
    put = web.pauses.many("account", ["shop"])["shop"]
    assert (put.reason, put.by_hand, round(put.until - web.clock.now(), -2)) == ("stock-taking", True, 3600)
    assert "stock-taking" in told(operator, "/account?name=shop")
    assert "Paused by hand" in told(operator, "/accounts?need=by_hand")
    web.due.seed({"shop": 500.0})
    assert operator.post("/poll", kind="account", name="shop").headers["location"].endswith("done=held")
    assert operator.post("/resume", kind="account", name="shop").headers["location"].endswith("done=resumed")
    assert not web.pauses.many("account", ["shop"])
    assert web.due.delays(["shop"])["shop"] <= 0
    whats = [(line.name, line.what, line.about) for line in web.web.lines(0, 9)]
    assert whats == [
        ("Li", "resume account", "shop"),
        ("Li", "pause account", "shop: stock-taking"),
        ("Li", "login", "operator"),
    ]
    assert "paused the account shop: stock-taking" in told(operator, "/audit")


def test_an_account_is_polled_now(operator: Browser, web: Stores) -> None:
    assert operator.post("/poll", kind="account", name="shop").headers["location"].endswith("done=no-beat")
    web.due.seed({"shop": 500.0})
    assert operator.post("/poll", kind="account", name="shop").headers["location"].endswith("done=polled")
    assert web.due.delays(["shop"])["shop"] <= 0


def test_a_gateway_is_paused_until_somebody_resumes_it_and_with_it_its_accounts(operator: Browser, web: Stores) -> None:
    web.due.seed({"shop": 500.0, "vshop": 500.0})
    operator.post("/pause", kind="gateway", name="tb")
    assert web.pauses.many("gateway", ["tb"])["tb"].until == WITHOUT_END
    assert "Gateway paused" in told(operator, "/account?name=shop")
    operator.post("/resume", kind="gateway", name="tb")
    assert {name: at <= 0 for name, at in web.due.delays(["shop", "vshop"]).items()} == {"shop": True, "vshop": False}


@pytest.mark.parametrize(
    "form", [{"kind": "account", "name": "nobody"}, {"kind": "other", "name": "shop"}, {}, {"for": "9y"}]
)
def test_nobody_that_is_not_there_is_paused(operator: Browser, web: Stores, form: dict[str, str]) -> None:
    whole = {"kind": "account", "name": "shop"} | form if "for" in form else form
    assert operator.post("/pause", **whole).status_code == 404
    assert not web.pauses.many("account", ["shop", "nobody"])


def test_letters_stand_by_reason_and_their_contents_show_on_request_alone(operator: Browser, web: Stores) -> None:
    ids = [buried(web, number) for number in range(3)]
    buried(web, 9, "rejected: no such shop")
    said = told(operator, "/letters")
    assert "failed in * deliveries, at last with OSError* (at paid.py:4)" in said
    assert "张三" not in said + told(operator, f"/letter?id={ids[0]}")
    assert "张三" in operator.post("/letter", id=ids[0]).text
    assert [(line.what, line.about) for line in web.web.lines(0, 1)] == [("show letter", ids[0])]
    assert "Letters: 1" in told(operator, "/letters?reason=no+such+shop")


def test_letters_are_dropped_after_a_question(operator: Browser, web: Stores) -> None:
    ids = [buried(web, number) for number in range(3)]
    kept = buried(web, 9, "rejected: no such shop")
    asked = operator.post("/letters/drop", reason="failed in * deliveries, at last with OSError* (at paid.py:4)")
    assert "dropped for good: 3" in asked.text
    assert len(web.letters) == 4
    done = operator.post(
        "/letters/drop", reason="failed in * deliveries, at last with OSError* (at paid.py:4)", sure="yes"
    )
    assert done.headers["location"] == "/letters?done=dropped&n=3"
    assert web.letters.ids() == [kept]
    assert operator.post("/letters/drop", id=ids[0], sure="yes").headers["location"] == "/letters?done=none&n=0"
    assert (
        operator.post("/letters/drop", sure="yes").headers["location"] == "/letters?done=none&n=0"
    )  # none chosen: none
    assert len(web.letters) == 1


def test_letters_are_replayed(operator: Browser, web: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def send(letters: Iterable[Letter]) -> int:
        there = [each.id for each in letters]
        sent.extend(there)
        return len(there)

    monkeypatch.setattr(redrive, "send", send)
    ids = [buried(web, number) for number in range(3)]
    assert operator.post("/letters/replay", id=ids[1]).headers["location"] == "/letters?done=replayed&n=1"
    assert "again: 3" in operator.post("/letters/replay", topic=TOPIC).text
    assert sent == [ids[1]]
    operator.post("/letters/replay", topic=TOPIC, sure="yes")
    assert sent == [ids[1], *ids]
    assert [line.what for line in web.web.lines(0, 2)] == ["replay letters"] * 2


def test_a_gateways_calls_and_fees_stand_by_day(operator: Browser, web: Stores) -> None:
    now = web.clock.now()
    for ago, points in ((0, 250), (1, 1200)):
        web.quota.redis.hset(day_key("vv", now - ago * DAY), mapping={"pull": 7 + ago, "confirm": 2, "points": points})
    said = told(operator, "/gateway?name=vv")
    assert re.search(r"9 7 2 0 250 2\.50 .* 10 8 2 0 1,200 12\.00", said)


def test_topics_show_what_nobody_handles(operator: Browser, web: Stores) -> None:
    web.topics.add("seen", {"a": 10}, now=web.clock.now())
    web.topics.add("unhandled", {"a": 4}, now=web.clock.now())
    assert " a no worker says 10 6 4 0 " in told(operator, "/topics")


def test_a_pause_holds_as_long_as_nobody_can_tell_other_credentials(operator: Browser, web: Stores) -> None:
    """The page has no secrets to compare with those that were refused."""
    web.pauses.put(
        "account", "shop", Pause(web.clock.now() + 99, "27: expired", "renew it", 1, "f" * 16), now=web.clock.now()
    )
    said = told(operator, "/")
    assert "27: expired; renew it" in said
    assert "Paused 1" in said


def test_readers_see_it_all_in_their_language(browser: Callable[..., Browser]) -> None:
    found = browser(READER, headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert '<html lang="zh-Hans">' in found.get("/").text
    assert "需要关注" in told(found, "/")


def test_no_last_good_accounts_are_promised_where_there_never_were_any(operator: Browser) -> None:
    Path(settings().accounts).write_text("[gateways]")
    assert "The accounts cannot be read.</strong>" in operator.get("/").text


def test_a_roster_follows_its_file_and_keeps_the_last_good_one(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    gateway = '[gateways.vv]\nplatform = "vvtool"\ntoken = "env:NOT_SET_HERE"\n'
    accounts = ['[accounts.b]\ngateway = "vv"\nshop_id = "2"\n', '[accounts.a]\ngateway = "vv"\nshop_id = "1"\n']
    path.write_text(gateway + "".join(accounts))
    roster = Roster(str(path))
    roster.look()
    assert (roster.names, roster.fault) == (["a", "b"], "")
    assert [(each.name, each.gateway.name, each.quantity) for each in roster.accounts(["b", "x", "a"])] == [
        ("b", "vv", 100),
        ("a", "vv", 100),
    ]
    assert (roster.like("A"), roster.behind("vv"), roster.behind("x")) == (["a"], ["a", "b"], [])
    path.write_text(gateway + accounts[0] + '[accounts.c]\ngateway = "vv"\nshop_id = "3"\nquantity = 50\n')
    look_twice(roster)
    assert roster.names == ["b", "c"]
    path.write_text(gateway + accounts[0] + "[accounts.c]\ngateway = 7\n")
    look_twice(roster)
    assert (roster.names, "accounts.c" in roster.fault) == (["b", "c"], True)


def look_twice(roster: Roster) -> None:
    """A change counts once the file has kept still for a look."""
    roster.look()
    roster.look()


def test_a_redis_that_is_away_is_said_without_telling_where_it_is(
    operator: Browser, web: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise RedisConnectionError("Error 111 connecting to 10.9.8.7:6379. Connection refused.")

    monkeypatch.setattr(web.web, "session", away)
    reply = operator.get("/")
    assert (reply.status_code, reply.headers["cache-control"]) == (503, "no-store")
    assert "Redis or the broker cannot be used." in reply.text
    assert "10.9.8.7" not in reply.text


def test_a_mistake_of_ours_tells_nothing_of_what_it_met(
    operator: Browser, web: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(*_: object, **__: object) -> None:
        raise ValueError("the buyer 张三")

    monkeypatch.setattr(web.topics, "read", wrong)
    operator.client = TestClient(
        operator.client.app, "http://127.0.0.1:8700", raise_server_exceptions=False, cookies=operator.client.cookies
    )
    reply = operator.get("/topics")
    assert reply.status_code == 500
    assert "张三" not in reply.text + caplog.text
    assert "the page /topics failed: ValueError" in caplog.text
