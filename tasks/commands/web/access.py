"""Who may see and do what: a page needs a session, a form its token too, and what changes anything an operator."""

import hmac
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tasks.commands.web.rendering import page
from tasks.commands.web.sessions import Sessions
from tasks.store.web import Session

FIELDS = 200
"""More fields than any form of ours has."""

View = Callable[[Request, Session], Response]
Action = Callable[[Request, Session, Mapping[str, str]], Response]


class Access:
    """Guards views with the sessions of one installation."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    def view(self, made: View) -> Callable[[Request], Response]:
        """A page for who is logged in; others are asked to do so."""

        def answered(request: Request) -> Response:
            session = self.sessions.of(request)
            return made(request, session) if session else to_login(request)

        return answered

    def action(self, act: Action, *, operators: bool = True) -> Callable[[Request], object]:
        """What a form does: for operators, unless readers may do it too."""

        def answered(request: Request, form: Mapping[str, str]) -> Response:
            session = self.sessions.of(request)
            if session is None:
                return to_login(request)
            if not (from_here(request) and same_token(form.get("csrf", ""), session.csrf)):
                return page(request, "refused.html", session, status=403, why="csrf")
            if operators and session.role != "operator":
                return page(request, "refused.html", session, status=403, why="role")
            return act(request, session, form)

        async def called(request: Request) -> Response:
            return await run_in_threadpool(answered, request, await fields(request))

        return called


async def fields(request: Request) -> Mapping[str, str]:
    """The fields of a form that are text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/x-www-form-urlencoded":
        return {}
    found: FormData = await request.form(max_files=0, max_fields=FIELDS)
    return {name: value for name, value in found.items() if isinstance(value, str)}


def from_here(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    parts = split(origin)
    return parts is not None and parts.netloc == request.headers.get("host")


def same_token(given: str, wanted: str) -> bool:
    """Whether a form brought the session's token."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def to_login(request: Request) -> Response:
    """To the page where one logs in, and back afterwards, if it was a page that was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(asked, safe='')}" if request.method == "GET" and asked != "/" else ""
    return RedirectResponse(f"/login{back}", 303)


def split(address: str) -> SplitResult | None:
    """The parts of an address; None for one that has none, whoever made it up."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def local(path: str) -> str:
    """The address if it is one of our own pages', else the first page's: a link to the login must lead nowhere else."""
    parts = split(path) if path.isprintable() and "\\" not in path else None
    fine = parts and not parts.scheme and not parts.netloc and path.startswith("/") and not path.startswith("//")
    return path if fine else "/"
