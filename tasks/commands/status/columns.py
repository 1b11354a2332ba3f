"""The columns of the tables of gateways and accounts, with numbers in few characters. Pure."""

from tasks.accounts import Gateway, VvtoolGateway
from tasks.commands.accounts.standing import for_each_handled, said_pause, why
from tasks.commands.ages import told
from tasks.commands.status.attention import Found, Need, needs_somebody
from tasks.commands.status.picture import Summary
from tasks.commands.tables import NONE, Column

LEAST = 0.01
MARK = "! "
"""Stands before the note of an account or a gateway that needs a person's attention."""


def gateway_columns(now: float) -> list[Column[Summary]]:
    """What the gateways have spent today, and which are paused."""
    return [
        Column("gateway", lambda each: each.gateway.name, number=False),
        Column("platform", lambda each: each.gateway.platform, 4, number=False),
        Column("accounts", lambda each: each.accounts, 7),
        Column("paused", lambda each: each.paused, 5),
        Column("calls", lambda each: part(each.today["calls"], each.gateway.calls_per_day), 9),
        Column("points", lambda each: part(each.today["points"], points_per_day(each.gateway)), 8),
        Column("calls/s", lambda each: brief(each.gateway.calls_per_second), 3),
        Column("put off", lambda each: each.put_off or NONE, 2),
        Column("msgs/h", lambda each: brief(each.rate), 6),
        Column("handled", lambda each: each.today["handled"], 6),
        Column("dead", lambda each: each.today["dead"], 2),
        Column("calls/msg", lambda each: cost(for_each_handled(each.today, "calls")), 3),
        Column("points/msg", lambda each: cost(for_each_handled(each.today, "points") or None), 1),
        Column("note", lambda each: gateway_note(each, now), number=False),
    ]


def account_columns(now: float) -> list[Column[Found]]:
    """What is known of each account."""
    return [
        Column("account", lambda each: each[0].name, number=False),
        Column("gateway", lambda each: each[0].account.gateway.name, 3, number=False),
        Column("msgs/h", lambda each: brief(each[0].rate), 9),
        Column("every", lambda each: NONE if each[0].interval is None else f"{each[0].interval:.3g}s", 4),
        Column("pulled", lambda each: age(None if each[0].pulled is None else now - each[0].pulled), 12),
        Column("oldest", lambda each: age(each[0].oldest_age), 10),
        Column("waiting", lambda each: brief(each[0].waiting), 8),
        Column("open", lambda each: each[0].open, 11),
        Column("calls", lambda each: each[0].today["calls"], 7),
        Column("points", lambda each: each[0].today["points"] or NONE, 6),
        Column("handled", lambda each: each[0].today["handled"], 5),
        Column("failed", lambda each: each[0].failed or NONE, 6),
        Column("calls/msg", lambda each: cost(for_each_handled(each[0].today, "calls")), 2),
        Column("points/msg", lambda each: cost(for_each_handled(each[0].today, "points") or None), 1),
        Column("note", account_note, number=False),
    ]


def points_per_day(gateway: Gateway) -> int | None:
    """The points that may be spent a day; None where there is no such limit."""
    return gateway.points_per_day if isinstance(gateway, VvtoolGateway) else None


def gateway_note(each: Summary, now: float) -> str:
    """Whether and why a gateway is paused."""
    if each.pause is None:
        return ""
    return f"{MARK if needs_somebody(each.pause) else ''}{said_pause(each.pause, now).told()}: {why(each.pause)}"


def account_note(each: Found) -> str:
    """What is to be said of an account, marked when it needs attention."""
    _, attention = each
    return f"{'' if attention.need is Need.NOTHING else MARK}{attention.note}"


def brief(number: float | None) -> str:
    """A number in at most five characters: 0.02, 3.5, 412, 12k, 1.2M; `-` for none."""
    if number is None:
        return NONE
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= 10 * size:
            return f"{number / size:.0f}{unit}"
    if number >= 100 or number == int(number):
        return f"{number:.0f}"
    if number >= 1:
        return f"{number:.1f}"
    return f"{number:.2f}" if number >= LEAST else f"<{LEAST}"


def age(seconds: float | None) -> str:
    """How old something is."""
    return NONE if seconds is None else told(seconds)


def cost(each: float | None) -> str:
    """What one message costs, to two places while it costs little: 0.08, 1.00, 33.2."""
    return brief(each) if each is None or each >= 10 or each < LEAST else f"{each:.2f}"


def part(used: int, of: int | None) -> str:
    """What is used of a limit: 12 of 500; where there is none 12, or `-` for nothing."""
    return str(used or NONE) if of is None else f"{used} of {of}"
