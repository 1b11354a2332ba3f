"""Pausing, resuming and polling from a page, as `accounts` does it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tasks.commands.accounts import steering
from tasks.commands.web import looking
from tasks.commands.web.pages import look
from tasks.commands.web.rendering import page
from tasks.commands.web.sessions import note
from tasks.commands.web.words import SPANS
from tasks.rules.circuit_breaker import Kind
from tasks.store.web import Session

LONGEST_REASON = 200


def whom(form: Mapping[str, str]) -> tuple[Kind, str] | None:
    """The account or gateway that a form is about; None for one that nobody has."""
    roster, name = looking.roster(), form.get("name", "")
    if form.get("kind") == "account" and name in roster:
        return "account", name
    return ("gateway", name) if form.get("kind") == "gateway" and name in roster.gateways else None


def pause(request: Request, session: Session, form: Mapping[str, str]) -> Response:
    """Call the platform no more for an account or a gateway, for some time or until somebody resumes it."""
    found = whom(form)
    if found is None or form.get("for", "") not in SPANS:
        return page(request, "missing.html", session, status=404)
    reason = "".join(char for char in form.get("reason", "") if char.isprintable()).strip()[:LONGEST_REASON]
    steering.put(*found, reason or f"paused by {session.name}", SPANS[form.get("for", "")][1])
    note(request, session, f"pause {found[0]}", f"{found[1]}{f': {reason}' if reason else ''}")
    return back(*found, "paused")


def resume(request: Request, session: Session, form: Mapping[str, str]) -> Response:
    """End a pause, and poll now."""
    found = whom(form)
    if found is None:
        return page(request, "missing.html", session, status=404)
    kind, name = found
    there = steering.end(kind, name)
    roster = looking.roster()
    concerned = roster.behind(name) if kind == "gateway" else [name]
    steering.wake({each.name: each for each in roster.accounts(concerned)})
    note(request, session, f"resume {kind}", name)
    return back(kind, name, "resumed" if there else "not-paused")


def poll(request: Request, session: Session, form: Mapping[str, str]) -> Response:
    """Poll an account now, unless it is paused."""
    found = whom(form)
    if found is None or found[0] != "account":
        return page(request, "missing.html", session, status=404)
    ((each, _),) = look([found[1]])
    if each.pause:
        return back(*found, "held")
    unknown = steering.wake({each.name: each.account})
    note(request, session, "poll account", found[1])
    return back(*found, "no-beat" if unknown else "polled")


def back(kind: Kind, name: str, done: str) -> Response:
    """To its page, where it is said what was done."""
    return RedirectResponse(f"/{kind}?{urlencode({'name': name, 'done': done})}", 303)
