"""The chaos run's verdict notices what it is there to notice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tasks.commands.demo.cast import CAST, Actor
from tasks.platforms import Item
from tasks.sandbox.control import LedgerRow
from tasks.store.letters import Letter
from tests.end_to_end.chaos.verdict import Deed, Known, Sums, judge

SHOP = next(actor for actor in CAST if actor.platform == "taobao")
MALL = next(actor for actor in CAST if actor.platform == "vvtool")
LONG_AFTER = 1000.0


def row(*, deliveries: Sequence[float] = (100.0,), confirmed: float | None = None) -> LedgerRow:
    confirms = [] if confirmed is None else [confirmed]
    return LedgerRow(id="m1", published=90.0, deliveries=list(deliveries), confirmed=confirmed, confirms=confirms)


def known(actor: Actor, ledger_row: LedgerRow, handled: Sequence[float] = (), **more: Any) -> Known:
    journal: Mapping[tuple[str, str], Sequence[float]] = {(actor.name, "m1"): handled} if handled else {}
    base = Known(LONG_AFTER, {actor: [ledger_row]}, journal, (), (), (), stored=lambda _: False)
    return replace(base, **more)


def fate(given: Known) -> str:
    """What became of its one message."""
    sums = judge(given)
    found = {"done": sums.done, "waiting": sums.all.waiting, "lost": sums.all.lost, "on the way": sums.on_the_way}
    assert sum(found.values()) == sums.all.published == 1
    return next(name for name, number in found.items() if number)


def test_a_message_that_was_handled_and_then_confirmed_is_done() -> None:
    sums = judge(known(SHOP, row(confirmed=102.0), [101.0]))
    assert (sums.done, sums.all.early, sums.all.twice, sums.odd) == (1, 0, 0, {})


def test_a_message_that_was_confirmed_before_its_handler_returned_is_early() -> None:
    assert judge(known(SHOP, row(confirmed=100.5), [101.0])).all.early == 1


def test_a_message_that_was_confirmed_and_never_handled_is_early_and_lost() -> None:
    sums = judge(known(SHOP, row(confirmed=102.0)))
    assert (sums.all.lost, sums.all.early) == (1, 1)
    assert judge(known(SHOP, row(confirmed=102.0), [101.0])).all.lost == 0


def test_an_unconfirmed_message_waits_even_when_it_was_handled() -> None:
    assert fate(known(SHOP, row(), [101.0])) == "waiting"


@pytest.mark.parametrize(("topic", "id_", "content"), [("t", "m1", "{}"), ("", "batch", '{"id":"m1"}')])
def test_a_letter_counts_by_its_message_or_by_what_it_holds(topic: str, id_: str, content: str) -> None:
    letter = Letter(Item("", id_, topic, content), "taobao", SHOP.name, "no", buried=101.0)
    sums = judge(known(SHOP, row(confirmed=102.0), letters=[letter]))
    assert (sums.all.buried, sums.all.early, sums.done) == (1, 0, 1)


def test_every_handling_but_the_first_is_one_too_many() -> None:
    assert judge(known(SHOP, row(confirmed=110.0), [101.0, 105.0, 109.0])).all.twice == 2


def test_a_message_of_vvtool_waits_while_it_is_in_the_inbox_or_on_its_way_there() -> None:
    assert fate(known(MALL, row(), kept=['{"id":"m1"}'])) == "waiting"
    assert fate(known(MALL, row(deliveries=[LONG_AFTER - 1]))) == "waiting"
    assert fate(known(MALL, row(deliveries=[]))) == "waiting"


def test_a_message_of_vvtool_that_nobody_has_is_lost_unless_its_worker_was_killed_before_valkey_had_it() -> None:
    killed = [Deed("worker-1", 100.2, 100.3)]
    assert fate(known(MALL, row())) == "lost"
    assert fate(known(MALL, row(), deeds=[Deed("worker-1", 103.0, 103.1)])) == "lost"
    assert fate(known(MALL, row(), deeds=[Deed("worker-1", 99.0, 99.1)])) == "lost"
    assert fate(known(MALL, row(), deeds=killed)) == "on the way"
    assert fate(known(MALL, row(), deeds=killed, stored=lambda _: True)) == "lost"
    assert fate(known(MALL, row(), [101.0], deeds=killed)) == "done"


def test_a_worker_may_hold_a_reply_for_as_long_as_valkey_is_away() -> None:
    away, killed = Deed("valkey is killed", 100.5, 104.0), Deed("worker-1", 103.0, 103.1)
    assert fate(known(MALL, row(), deeds=[away, killed])) == "on the way"


def test_messages_handled_and_not_yet_confirmed_when_valkey_was_flushed_are_exposed() -> None:
    def exposed(ledger_row: LedgerRow, handled: Sequence[float], at: float) -> Sums:
        return judge(known(SHOP, ledger_row, handled, deeds=[Deed("flush", at, at)]))

    assert exposed(row(confirmed=110.0), [101.0, 109.0], 105.0).exposed == 1
    assert exposed(row(confirmed=102.0), [101.0], 105.0).exposed == 0
    assert exposed(row(confirmed=110.0), [109.0], 105.0).exposed == 0
