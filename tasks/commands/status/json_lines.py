"""What `status --json` prints: one object a line, told apart by `kind`. Times are seconds, those of day since the epoch."""

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.commands.accounts.listing import fields
from tasks.commands.accounts.standing import for_each_handled, pause_fields
from tasks.commands.status.attention import Found, Need
from tasks.commands.status.columns import points_per_day
from tasks.commands.status.findings import findings
from tasks.commands.status.picture import Picture, Summary


def objects(picture: Picture, accounts: Sequence[Found]) -> Iterator[dict[str, Any]]:
    """The installation, its gateways, and these accounts, in this order."""
    yield installation(picture)
    yield from map(gateway, picture.gateways)
    yield from map(account, accounts)


def installation(picture: Picture) -> dict[str, Any]:
    """All together; a queue's depth and the number of workers are None where the broker cannot say."""
    found = findings(picture)
    return {
        "kind": "installation",
        "at": picture.now,
        "id": picture.id,
        "redis": picture.redis,
        "accounts": picture.known,
        "chosen": picture.crowd.number,
        "needs": {need.word: number for need, number in picture.needs.items()},
        "queues": dict(picture.queues),
        "workers": picture.workers,
        "beats": picture.beats,
        "failed_tries_today": picture.crowd.failed,
        "late_confirms_today": picture.crowd.today["late_confirms"],
        "unconfirmed_today": picture.crowd.today["unconfirmed"],
        "letters": picture.letters,
        "letters_to_redrive": picture.redrives,
        "pulled_at": picture.pulled,
        "missing": [each.text for each in found if each.todo],
        "unhandled_today": {**picture.unhandled.still, **picture.unhandled.mended},
        "findings": [
            {"about": each.about, "text": each.text, "todo": each.todo, **each.said.plain()} for each in found
        ],
    }


def gateway(each: Summary) -> dict[str, Any]:
    """One gateway with what it has spent today and its limits, None where there is none."""
    return {
        "kind": "gateway",
        "name": each.gateway.name,
        "platform": each.gateway.platform,
        "accounts": each.accounts,
        "paused_accounts": each.paused,
        "paused": each.pause and pause_fields(each.pause),
        "calls_today": each.today["calls"],
        "calls_per_day": each.gateway.calls_per_day,
        "calls_per_second": each.gateway.calls_per_second,
        "points_today": each.today["points"],
        "points_per_day": points_per_day(each.gateway),
        "messages_per_hour": each.rate,
        "pulled_today": each.today["pulled"],
        "handled_today": each.today["handled"],
        "dead_today": each.today["dead"],
        "calls_put_off": each.put_off,
        "calls_per_message": for_each_handled(each.today, "calls"),
        "points_per_message": for_each_handled(each.today, "points") or None,
    }


def account(found: Found) -> dict[str, Any]:
    """One account, as `accounts list --json` has it and with what its pulls told."""
    each, attention = found
    return {
        "kind": "account",
        **fields(each),
        "attention": None if attention.need is Need.NOTHING else attention.need.word,
        "note": attention.note,
        "messages_per_hour": each.rate,
        "pulled_at": each.pulled,
        "waiting": each.waiting,
        "oldest_age": each.oldest_age,
        "calls_today": each.today["calls"],
        "points_today": each.today["points"],
        "calls_per_message": for_each_handled(each.today, "calls"),
        "points_per_message": for_each_handled(each.today, "points") or None,
    }
