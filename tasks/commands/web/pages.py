"""What can be looked at: the installation, accounts, gateways, topics, the audit. Each page reads what it shows and no more."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tasks.calling.spent import gateway_pauses
from tasks.clock import DAY
from tasks.commands.accounts.listing import standings
from tasks.commands.accounts.standing import for_each_handled
from tasks.commands.handlers import reading
from tasks.commands.status.attention import Found, Need, Thresholds, attention
from tasks.commands.status.columns import points_per_day
from tasks.commands.status.findings import findings
from tasks.commands.status.picture import Picture
from tasks.commands.web import looking
from tasks.commands.web.rendering import page
from tasks.handling.others import stand_in
from tasks.runtime import stores
from tasks.sending import claim_seconds
from tasks.settings import settings
from tasks.store.web import LOGINS, Session

ROWS = 50
DAYS = 8
FIRST_SECONDS = 5.0
"""Whoever comes before the first picture is taken waits so long for it."""

URGENT = 10
"""Accounts on the first page."""


def overview(request: Request, session: Session) -> Response:
    """What needs attention first, and how everything stands."""
    found = picture()
    return page(
        request,
        "overview.html",
        session,
        **about(found),
        findings=sorted(findings(found), key=lambda each: not each.todo) if found else [],
        urgent=found.accounts[:URGENT] if found else [],
        needs=found.needs if found else {},
        points_per_day=points_per_day,
    )


def accounts(request: Request, session: Session) -> Response:
    """Accounts by name, fifty a page: all, those whose names hold a word, those that need something, or those of a gateway."""
    asked = {name: request.query_params.get(name, "")[:100] for name in ("q", "need", "gateway")}
    found, roster = picture(), looking.roster()
    names = roster.like(asked["q"].strip())
    if asked["need"]:
        wanted = set(needing(found, asked["need"]))
        names = [name for name in names if name in wanted]
    if asked["gateway"]:
        behind = set(roster.behind(asked["gateway"]))
        names = [name for name in names if name in behind]
    number, pages = paged(request, len(names))
    rows = look(names[(number - 1) * ROWS : number * ROWS])
    return page(
        request,
        "accounts.html",
        session,
        **about(found),
        rows=rows,
        asked=asked,
        total=len(names),
        number=number,
        pages=pages,
        needs=found.needs if found else {},
        by_hand=len(found.crowd.by_hand) if found else 0,
        gateways=sorted(roster.gateways),
    )


def account(request: Request, session: Session) -> Response:
    """One account's story."""
    name = request.query_params.get("name", "")
    rows = look([name])
    if not rows:
        return page(request, "missing.html", session, status=404)
    each, need = rows[0]
    now = stores().clock.now()
    tallies = [(now - ago * DAY, stores().tally.read_many([name], now=now - ago * DAY)[name]) for ago in range(DAYS)]
    cost = {what: for_each_handled(each.today, what) for what in ("calls", "points")}
    return page(
        request, "account.html", session, each=each, need=need, days=tallies, cost=cost, now=now, NOTHING=Need.NOTHING
    )


def gateways(request: Request, session: Session) -> Response:
    """Every gateway: what it has used today and may use, its pause, its accounts."""
    found = picture()
    return page(request, "gateways.html", session, **about(found), points_per_day=points_per_day)


def gateway(request: Request, session: Session) -> Response:
    """One gateway: its quota and its fees over days."""
    name = request.query_params.get("name", "")
    found = picture()
    each = next((one for one in found.gateways if one.gateway.name == name), None) if found else None
    if each is None:
        return page(request, "missing.html", session, status=404)
    now = stores().clock.now()
    used = stores().quota.history(name, now, DAYS)
    pause = gateway_pauses([each.gateway], now).get(name)
    most = {"calls": each.gateway.calls_per_day, "points": points_per_day(each.gateway)}
    return page(
        request,
        "gateway.html",
        session,
        **about(found),
        each=each,
        used=used,
        most=most,
        pause=pause if pause and pause.until > now else None,
    )


def topics(request: Request, session: Session) -> Response:
    """Topics with what came of them: today, or over the days that are kept."""
    days = 1 if request.query_params.get("days") != str(DAYS) else DAYS
    counts = stores().topics.read(now=stores().clock.now(), days=days)
    known = stores().registries.read(each.fingerprint for each in reading.nodes())
    registries = [stand_in(entries) for entries in known.values()]
    rows = sorted(counts.items(), key=lambda each: (-each[1].get("unhandled", 0), -each[1].get("seen", 0), each[0]))
    has = {topic: bool(registries) and all(each.find(topic) for each in registries) for topic in counts}
    return page(request, "topics.html", session, rows=rows, has=has, any_worker=bool(registries), days=days, most=DAYS)


def audit(request: Request, session: Session) -> Response:
    """Who did what, and who was not let in."""
    number = whole(request, "page")
    lines = stores().web.lines((number - 1) * ROWS, ROWS + 1)
    refused = stores().web.lines(0, ROWS, LOGINS)
    return page(
        request, "audit.html", session, lines=lines[:ROWS], more=len(lines) > ROWS, number=number, refused=refused
    )


def picture() -> Picture | None:
    """The latest picture; who comes first waits for it a little."""
    return looking.latest(FIRST_SECONDS)


def about(found: Picture | None) -> dict[str, Any]:
    """The picture, how old it is, and what there is to say of it."""
    here = looking.looking()
    return {
        "picture": found,
        "age": looking.age(found) if found else None,
        "fault": here.roster.fault,
        "trouble": here.trouble,
    }


def look(names: Sequence[str]) -> list[Found]:
    """How these accounts stand now; those that nobody has are left out."""
    now = stores().clock.now()
    normal = Thresholds(settings().open_batches, claim_seconds())
    found = standings(looking.roster().accounts(names), now, secrets=False)
    return [(each, attention(each, normal, now)) for each in found]


def needing(found: Picture | None, word: str) -> Sequence[str]:
    """The names of accounts that need what this word says."""
    if found is None:
        return ()
    if word == "by_hand":
        return found.crowd.by_hand
    if word == "any":
        return [name for need, names in found.crowd.needs.items() if need is not Need.NOTHING for name in names]
    return next((names for need, names in found.crowd.needs.items() if need.word == word), ())


def paged(request: Request, total: int) -> tuple[int, int]:
    """Which page was asked for, of how many."""
    pages = max(1, ceil(total / ROWS))
    return min(whole(request, "page"), pages), pages


def whole(request: Request, name: str) -> int:
    """A number from the address, 1 or more."""
    given = request.query_params.get(name, "")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 8 else 1
