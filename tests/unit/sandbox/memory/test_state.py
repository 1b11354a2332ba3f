"""What the simulated platforms keep: publications, the ledger, the book of calls."""

from typing import Any

import pytest

from tasks.sandbox import ledger
from tasks.sandbox.memory.apps import AppSpec
from tasks.sandbox.memory.book import KEPT
from tasks.sandbox.memory.state import Publication
from tests.unit.sandbox.sandbox_world import CONFIRM, World, qianmi_items, top_items


@pytest.fixture
def world() -> World:
    """Three platforms at noon."""
    return World()


def rows(world: World, **where: str) -> list[dict[str, Any]]:
    return [row for chunk in ledger.chunks(world.state, **where) for row in chunk]


def publication(**values: Any) -> Publication:
    return Publication.model_validate({"platform": "taobao", "messages": [{"topic": "t", "content": {}}], **values})


def test_the_ledger_tells_the_life_of_each_message(world: World) -> None:
    """Published, delivered twice, confirmed late and again."""
    start = world.now
    (id_,) = world.publish("taobao", group="g1")
    world.top_call(group_name="g1")
    world.now += 360
    world.top_call(group_name="g1")
    world.now += 10
    for _ in range(2):
        world.top_call(CONFIRM, group_name="g1", s_message_ids=id_)
    assert rows(world) == [
        {
            "platform": "taobao",
            "app": "12345678",
            "group": "g1",
            "id": id_,
            "topic": "taobao_trade_TradeBuyerPay",
            "published": start,
            "deliveries": (start, start + 360),
            "confirmed": start + 370,
            "confirms": (start + 370, start + 370),
            "leased_then": (True, False),
        }
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({}, 4),
        ({"platform": "taobao"}, 2),
        ({"platform": "taobao", "group": "default"}, 1),
        ({"group": ""}, 2),
        ({"group": "g1"}, 1),
        ({"shop_id": "123"}, 1),
        ({"shop_id": "124"}, 0),
    ],
)
def test_the_ledger_can_be_asked_for_some_queues(world: World, where: dict[str, str], found: int) -> None:
    """By platform, group and shop."""
    world.publish("taobao")
    world.publish("taobao", group="g1")
    world.publish("qianmi")
    world.publish("vvtool")
    assert len(rows(world, **where)) == found


def test_the_ledger_comes_in_pieces(world: World) -> None:
    """So that a long one holds nobody up."""
    world.publish("taobao", *({"tid": n} for n in range(ledger.CHUNK + 1)))
    assert [len(chunk) for chunk in ledger.chunks(world.state)] == [ledger.CHUNK, 1]


def test_the_summary_adds_up(world: World) -> None:
    """By queue, in total, by API; leases that ended count as waiting."""
    ids = world.publish("taobao", {"tid": 1}, {"tid": 2}, {"tid": 3})
    world.publish("vvtool")
    world.top_call()
    world.top_call(CONFIRM, s_message_ids=ids[0])
    world.top_call(quantity="1")
    world.vv_call()
    summary = ledger.summary(world.state)
    counts = {"published": 3, "delivered": 3, "waiting": 0, "leased": 2, "confirmed": 1, "deliveries": 3, "confirms": 1}
    assert summary["queues"][0] == {"platform": "taobao", "app": "12345678", "group": "", **counts}
    assert summary["total"]["published"] == 4
    assert summary["apis"]["taobao"] == {
        "consume": {"calls": 2, "errors": {"41": 1}},
        "confirm": {"calls": 1, "errors": {}},
    }
    assert summary["points"] == 1
    world.now += 360
    assert ledger.summary(world.state)["queues"][0]["waiting"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"platform": "vvtool"},
        {"platform": "vvtool", "shop_id": "1", "group": "g"},
        {"shop_id": "1"},
        {"messages": [{"content": {}}]},
        {"messages": [{"topic": "", "content": {}}]},
        {"messages": [{"topic": "t", "content": {}, "colour": "red"}]},
        {"platform": "ebay"},
    ],
)
def test_a_publication_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """Before anything is published."""
    with pytest.raises(ValueError, match="validation error"):
        publication(**wrong)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([{"id": "1"}, {"id": "1"}], "taken"),
        ([{"id": "2"}, {"id": "99"}], "taken"),
        ([{"id": "2"}, {"id": "MU3"}], "id has to be a number"),
        ([{"id": "2"}, {"user_id": "A854800"}], "user_id has to be a number"),
    ],
)
def test_a_publication_is_all_or_nothing(world: World, messages: list[dict[str, str]], reason: str) -> None:
    """An id that is taken, in any group of the app, or malformed: none of the messages is queued."""
    world.state.publish(publication(group="g1", messages=[{"id": "99", "topic": "t", "content": {}}]))
    drafts = [{"topic": "t", "content": {}, **message} for message in messages]
    with pytest.raises(ValueError, match=reason):
        world.state.publish(publication(messages=drafts))
    assert [row["id"] for row in rows(world)] == ["99"]


def test_what_a_message_says_of_itself_is_passed_on(world: World) -> None:
    """Id, user and time as given; content that is text stays as it is, JSON or not."""
    draft = {"topic": "t", "content": "no json", "id": 77, "user_id": 5, "user_nick": "n", "pub_time": "soon"}
    world.state.publish(publication(messages=[draft]))
    (item,) = top_items(world.top_call())
    assert (item["id"], item["content"], item["user_id"]) == (77, "no json", 5)
    assert (item["user_nick"], item["pub_time"]) == ("n", "soon")


def test_apps_have_queues_of_their_own(world: World) -> None:
    """Two apps may use the same group name."""
    world.state.set_app(AppSpec(platform="qianmi", app_key="2", secret="other"))
    world.state.publish(publication(platform="qianmi", app="2"))
    assert qianmi_items(world.qianmi_call()) == []
    (item,) = qianmi_items(world.qianmi_call(appKey="2", secret="other"))
    assert item["pub_app_key"] == "2"
    with pytest.raises(ValueError, match="no such app"):
        world.state.publish(publication(platform="qianmi", app="3"))


def test_ids_are_never_used_twice_not_even_after_a_reset(world: World) -> None:
    """What remembers handled ids must not meet an old one."""
    before = world.publish("taobao", *({"tid": n} for n in range(50))) + world.publish("qianmi", {"tid": 1}, {"tid": 2})
    world.state.reset()
    after = world.publish("taobao", *({"tid": n} for n in range(50))) + world.publish("qianmi", {"tid": 1}, {"tid": 2})
    assert len({*before, *after}) == 104


def test_a_reset_forgets_everything_else(world: World) -> None:
    """Messages, faults, switches, apps and calls."""
    world.publish("taobao")
    world.fault("taobao", "cut")
    world.switch(taobao_remote_error=50)
    world.state.set_app(AppSpec(platform="taobao", app_key="2"))
    world.top_call()
    world.state.reset()
    assert rows(world) == world.state.book.latest() == []
    assert world.state.switches.taobao_remote_error == 15
    assert world.top_call(app_key="2").code == "29"
    assert world.top_call().code == "ok"


def test_old_messages_are_neither_sent_nor_remembered(world: World) -> None:
    """After the retention, 24 hours by default; their ids are free again."""
    world.state.publish(publication(messages=[{"id": "5", "topic": "t", "content": {}}]))
    world.now += 86_401
    assert top_items(world.top_call()) == []
    world.state.sweep()
    assert rows(world) == []
    world.state.publish(publication(messages=[{"id": "5", "topic": "t", "content": {}}]))


def test_the_book_shows_no_token_and_is_bounded(world: World) -> None:
    """An app of vvtool goes by a name; an unknown app by none."""
    world.state.set_app(AppSpec(platform="vvtool", token="very-secret"))
    world.vv_call(token="very-secret")
    world.vv_call(token="wrong-secret")
    calls = world.state.book.latest()
    assert "secret" not in str([*calls, ledger.summary(world.state)])
    assert [call["app"] for call in calls][1] == ""
    assert calls[0]["app"].startswith("vvtool-")
    for _ in range(KEPT):
        world.vv_call(verb="GET")
    assert len(world.state.book.latest()) == KEPT
    assert [call["code"] for call in world.state.book.latest(2)] == ["404", "404"]
    assert world.state.book.latest(0) == []


def test_an_app_needs_what_requests_name_it_by() -> None:
    """A token on vvtool, an app key elsewhere."""
    for wrong in ({"platform": "vvtool", "app_key": "1"}, {"platform": "taobao", "token": "1"}):
        with pytest.raises(ValueError, match="vvtool needs a token"):
            AppSpec.model_validate(wrong)
