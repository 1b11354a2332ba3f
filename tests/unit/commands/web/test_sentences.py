"""What `status` says, in English and Chinese: every kind of sentence has both, and all the values that stand in it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from tasks import clock
from tasks.accounts import QianmiAccount, QianmiGateway
from tasks.commands import clocks
from tasks.commands.accounts.standing import Standing
from tasks.commands.handlers.telling import Unhandled
from tasks.commands.sentences import Said, Sentence
from tasks.commands.status.attention import Attention, Found, Need, Thresholds, attention
from tasks.commands.status.findings import findings
from tasks.commands.status.picture import Picture, Summary
from tasks.commands.web.rendering import catalogue, speech
from tasks.rules.circuit_breaker import WITHOUT_END, Pause
from tasks.rules.registries import Difference, Stranger
from tasks.store.presence import Presence
from tasks.store.seen import Seen
from tasks.store.troubles import Trouble

NOW = 1_795_219_200.0
HOUR = 3600.0
GATEWAY = QianmiGateway(name="qm", app_key="1", app_secret=SecretStr("invented"))
EXPIRED, HOLIDAY = Pause(NOW + 600, "27: expired", "renew it"), Pause(WITHOUT_END, "holiday", by_hand=True)
LIMITS = Thresholds(open_batches=4, claim_seconds=23.0)


def standing(name: str = "shop", **changes: Any) -> Standing:
    usual = {"account": QianmiAccount(name=name, gateway=GATEWAY), "next_in": 3.0, "seen": Seen(NOW - 5, 0, 8.0)}
    return Standing(**{**usual, **changes})


def trouble(what: Any, topic: str = "", *, count: int = 2, account: str = "shop", text: str = "") -> Trouble:
    return Trouble(account, what, topic, text, count, NOW - 600, NOW - 120)


def accounts() -> Iterator[Standing]:
    """One for each thing that is said of accounts."""
    yield standing(paused="account", pause=EXPIRED, seen=Seen(NOW - 7 * HOUR))
    yield standing(paused="account", pause=HOLIDAY)
    yield standing(paused="gateway", pause=EXPIRED)
    yield standing(paused="gateway", pause=HOLIDAY)
    for count in (1, 2):
        yield standing(troubles=(trouble("failed", "topic", count=count, text="OSError"),))
        yield standing(troubles=(trouble("unconfirmed", count=count, text="41: refused" if count > 1 else ""),))
    yield standing(seen=Seen(NOW - 5, 3, oldest=NOW - 9 * HOUR, oldest_at=NOW - 5))
    yield standing(waiting=500)
    yield standing(open=4)
    yield standing(next_in=None)
    yield standing(next_in=-99.0)
    yield standing(seen=Seen(0.0, interval=8.0))
    yield standing(seen=Seen(NOW - 3000, 0, 8.0))
    yield standing(seen=Seen(NOW - 3000, 0, 8.0, failed="503"))


def pictures() -> Iterator[Picture]:
    """Pictures in which there is all that may be said of an installation, by one and by several."""
    yield Picture(NOW, 0, [])
    overdue: list[Found] = [(standing(), Attention(Need.OVERDUE))]
    yield Picture(NOW, 1, overdue, workers=0, beats=0, queues={"handle": None}, unserved=["consume", "slow"])
    yield Picture(NOW, 1, [], idle=[Presence("worker", "a@b", 1, connected=False)])
    yield Picture(NOW, 1, overdue, workers=1, beats=1, pulled=NOW - 90)
    for number in (1, 7):
        troubles = tuple(
            trouble(what, topic, count=number, account=f"shop-{place}")
            for place, topic in enumerate([f"t{place}" for place in range(5 + number)])
            for what in ("failed", "asked")
        )
        confirms = tuple(
            trouble(what, count=1, account=f"shop-{place}")
            for what in ("late_confirms", "unconfirmed")
            for place in range(number)
        )
        by_hand: list[Found] = [
            (standing(f"a{place}", paused="account", pause=HOLIDAY), Attention(Need.NOTHING)) for place in range(number)
        ]
        yield Picture(
            NOW,
            3,
            [(standing(troubles=troubles + confirms), Attention(Need.NOTHING)), *by_hand],
            gateways=[Summary(GATEWAY, number, 0, 0.0, Counter(discarded=number), pause=HOLIDAY)],
            letters=2 * number,
            redrives=number,
            redrive_at=NOW + 90,
            unhandled=Unhandled({f"t{place}": 1 for place in range(number)}, {"t": number}),
            strangers=[
                Stranger("a@b", 2),
                Stranger("a@b", 2, Difference()),
                Stranger("a@b", 2, Difference(("a", "b", "c", "d"), ("e",), ("f",))),
            ],
            clocks=list(clocks.off([Presence("worker", "a@b", 1, skew=25.0)], {"eco.taobao.com": -9.0})),
        )


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Said]:
    """All that is said of these."""
    monkeypatch.setattr(clock, "skew", lambda: 30.0)
    whole = [finding.said for picture in pictures() for finding in findings(picture)]
    return whole + [found.said for each in accounts() if (found := attention(each, LIMITS, NOW)).said]


def parts(said: Sequence[Said]) -> Iterator[Said]:
    """These sentences, and those that stand in them."""
    for each in said:
        yield each
        for value in each.values.values():
            yield from parts([value] if isinstance(value, Said) else value if isinstance(value, list) else [])


@pytest.mark.parametrize("kind", Sentence)
def test_every_kind_of_sentence_is_there_in_both_languages(kind: Sentence) -> None:
    assert all(kind.texts)
    assert all(catalogue("zh").get(text) for text in kind.texts)


def test_every_kind_is_said_and_has_its_values_in_both_languages(said: list[Said]) -> None:
    found = list(parts(said))
    assert {each.kind for each in found} == set(Sentence)
    told = {(each.kind, each.values.get("count") == 1) for each in found}
    assert {each for each in Sentence if len(each.texts) == 2} <= {kind for kind, one in told if one}
    for each in found:
        assert "%(" not in each.told(speech("zh")) + each.told(speech("en")) + each.told()


def test_no_english_is_left_in_chinese_but_names_and_commands(said: list[Said]) -> None:
    """A word of English that stands in a sentence in English, and neither in its values nor in a command, is gone."""
    for each in said:
        assert not {"the", "and", "was", "ago", "more", "its", "them"} & set(each.told(speech("zh")).split())


@pytest.mark.parametrize(
    ("stranger", "text"),
    [
        (Stranger("odd", 1), ""),
        (
            Stranger("odd", 1, Difference()),
            ": the handlers are the same, and not what runs around them, or their resources",
        ),
        (
            Stranger("odd", 1, Difference(("b_*",), ("c",), ("a",))),
            ": it lacks b_*; it alone has c; another function, model or options for a",
        ),
        (
            Stranger("odd", 1, Difference(alone=tuple(f"t{place}" for place in range(9)))),
            ": it alone has t0, t1, t2 and 6 more",
        ),
    ],
)
def test_a_worker_with_other_handlers_is_told_with_the_difference(stranger: Stranger, text: str) -> None:
    [finding] = findings(Picture(NOW, 1, [], strangers=[stranger]))
    todo = "restart it with the same code and TIDINGS_HANDLERS as the others"
    assert finding.text == f"worker odd has other handlers than the other workers (1){text}; {todo}"


def test_what_failed_is_told_in_each_language(said: list[Said]) -> None:
    [finding] = findings(
        Picture(NOW, 1, [(standing(troubles=(trouble("failed", "t", text="OSError"),)), Attention(Need.NOTHING))])
    )
    assert finding.text == "t: 2 tries failed in 10m, the last 2m ago, for shop: OSError"
    assert finding.said.told(speech("en")) == "t: 2 tries failed in 10 min, the last 2 min ago, for shop: OSError"
    assert finding.said.told(speech("zh")) == "t：10分钟内（最近一次在 2分钟前）失败 2 次，账号 shop：OSError"
    assert finding.said.plain()["values"]["when"]["values"] == {"span": 600.0, "ago": 120.0}
