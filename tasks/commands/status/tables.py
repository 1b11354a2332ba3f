"""The two tables of `status`: gateways and accounts."""

from collections.abc import Sequence

from tasks.accounts import Gateway, VvtoolGateway
from tasks.commands.status.attention import Found, Need
from tasks.commands.status.columns import Column, lines
from tasks.commands.status.numbers import NONE, age, ago, brief, cost, part, wait
from tasks.commands.status.whole import Summary

MARK = "! "
"""Stands before the note of an account or a gateway that needs a person's attention."""


def gateway_lines(summaries: Sequence[Summary], now: float, width: int | None) -> list[str]:
    """What the gateways have spent today, and which are paused."""
    columns: list[Column[Summary]] = [
        Column("gateway", lambda each: each.gateway.name, 99, number=False),
        Column("platform", lambda each: each.gateway.platform, 4, number=False),
        Column("accounts", lambda each: each.accounts, 7),
        Column("paused", lambda each: each.paused, 5),
        Column("calls", lambda each: part(each.spent.calls, each.gateway.calls_per_day), 9),
        Column("points", lambda each: part(each.spent.points, points_per_day(each.gateway)), 8),
        Column("calls/s", lambda each: brief(each.gateway.calls_per_second), 3),
        Column("put off", lambda each: each.put_off or NONE, 2),
        Column("msgs/h", lambda each: brief(each.rate), 6),
        Column("handled", lambda each: each.spent.handled, 6),
        Column("dead", lambda each: each.spent.dead, 2),
        Column("calls/msg", lambda each: cost(each.spent.calls_each), 3),
        Column("points/msg", lambda each: cost(each.spent.points_each), 1),
        Column("note", lambda each: gateway_note(each, now), 99, number=False),
    ]
    return lines(columns, summaries, width)


def points_per_day(gateway: Gateway) -> int | None:
    """The points that may be spent a day; None where there is no such limit."""
    return gateway.points_per_day if isinstance(gateway, VvtoolGateway) else None


def gateway_note(each: Summary, now: float) -> str:
    """Whether and why a gateway is paused."""
    if each.held is None or each.held.pause is None:
        return ""
    mark = "" if each.held.pause.by_hand else MARK
    return f"{mark}{each.held.state(now)}: {each.held.why}"


def account_lines(found: Sequence[Found], now: float, width: int | None) -> list[str]:
    """What is known of each account."""
    columns: list[Column[Found]] = [
        Column("account", lambda each: each[0].name, 99, number=False),
        Column("gateway", lambda each: each[0].standing.account.gateway.name, 3, number=False),
        Column("msgs/h", lambda each: brief(each[0].rate), 9),
        Column("every", lambda each: wait(each[0].standing.interval), 4),
        Column("pulled", lambda each: ago(each[0].pulled, now), 12),
        Column("oldest", lambda each: age(each[0].oldest_age), 10),
        Column("waiting", lambda each: brief(each[0].waiting), 8),
        Column("open", lambda each: each[0].standing.open, 11),
        Column("calls", lambda each: each[0].calls, 7),
        Column("points", lambda each: each[0].points or NONE, 6),
        Column("handled", lambda each: each[0].handled, 5),
        Column("calls/msg", lambda each: cost(each[0].calls_each), 2),
        Column("points/msg", lambda each: cost(each[0].points_each), 1),
        Column("note", account_note, 99, number=False),
    ]
    return lines(columns, found, width)


def account_note(each: Found) -> str:
    """What is to be said of an account, marked when it needs attention."""
    _, attention = each
    return f"{'' if attention.need is Need.NOTHING else MARK}{attention.note}"
