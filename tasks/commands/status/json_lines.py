"""What `status --json` prints: one object a line, told apart by `kind`. Times are seconds, those of day since the epoch."""

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.commands.accounts.listing import fields
from tasks.commands.status.attention import Found, Need
from tasks.commands.status.reading import Picture
from tasks.commands.status.tables import points_per_day
from tasks.commands.status.whole import Summary, missing
from tasks.rules.circuit_breaker import WITHOUT_END


def objects(picture: Picture, accounts: Sequence[Found]) -> Iterator[dict[str, Any]]:
    """The installation, its gateways, and these accounts, in this order."""
    yield installation(picture)
    yield from map(gateway, picture.gateways)
    for found in accounts:
        yield account(found)


def installation(picture: Picture) -> dict[str, Any]:
    """All together; a queue's depth and the number of workers are None where the broker cannot say."""
    whole = picture.whole
    return {
        "kind": "installation",
        "at": picture.now,
        "accounts": whole.accounts,
        "chosen": whole.shown,
        "needs": {need.word: number for need, number in whole.needs.items()},
        "queues": dict(whole.queues),
        "workers": whole.workers,
        "letters": whole.letters,
        "pulled_at": whole.pulled,
        "missing": missing(whole, picture.now),
    }


def gateway(each: Summary) -> dict[str, Any]:
    """One gateway with what it has spent today and its limits, None where there is none."""
    spent, pause = each.spent, each.held and each.held.pause
    return {
        "kind": "gateway",
        "name": each.gateway.name,
        "platform": each.gateway.platform,
        "accounts": each.accounts,
        "paused_accounts": each.paused,
        "paused": pause
        and {
            "by_hand": pause.by_hand,
            "until": None if pause.until >= WITHOUT_END else pause.until,
            "reason": pause.reason,
            "remedy": pause.remedy,
        },
        "calls_today": spent.calls,
        "calls_per_day": each.gateway.calls_per_day,
        "calls_per_second": each.gateway.calls_per_second,
        "points_today": spent.points,
        "points_per_day": points_per_day(each.gateway),
        "messages_per_hour": each.rate,
        "pulled_today": spent.pulled,
        "handled_today": spent.handled,
        "dead_today": spent.dead,
        "calls_put_off": each.put_off,
        "calls_per_message": spent.calls_each,
        "points_per_message": spent.points_each,
    }


def account(found: Found) -> dict[str, Any]:
    """One account, as `accounts list --json` has it and with what its pulls told."""
    view, attention = found
    return {
        "kind": "account",
        **fields(view.standing),
        "attention": None if attention.need is Need.NOTHING else attention.need.word,
        "note": attention.note,
        "messages_per_hour": view.rate,
        "pulled_at": view.pulled,
        "waiting": view.waiting,
        "oldest_age": view.oldest_age,
        "calls_today": view.calls,
        "points_today": view.points,
        "calls_per_message": view.calls_each,
        "points_per_message": view.points_each,
    }
