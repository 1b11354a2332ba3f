"""Logging in and out."""

import hmac
import secrets
from collections.abc import Mapping
from math import ceil

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tasks.commands.web.access import fields, from_here, local
from tasks.commands.web.rendering import page
from tasks.commands.web.sessions import Sessions, note
from tasks.store.web import Session

COOKIE = "tidings-login"
"""Holds what the form has to bring again, so that nobody else's page can log a browser in."""


class Entering:
    """The form where one logs in, and what it does."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    def form(self, request: Request, said: str = "", status: int = 200, wait: float = 0.0) -> Response:
        """The empty form; `said` is why it is shown again."""
        token = secrets.token_urlsafe(24)
        after = local(request.query_params.get("next", "/"))
        made = page(request, "login.html", status=status, token=token, said=said, after=after, minutes=ceil(wait / 60))
        secure = self.sessions.config.secure or request.url.scheme == "https"
        made.set_cookie(COOKIE, token, path="/login", secure=secure, httponly=True, samesite="strict")
        if wait:
            made.headers["retry-after"] = str(ceil(wait))
        return made

    async def enter(self, request: Request) -> Response:
        """Log in with what was filled in."""
        return await run_in_threadpool(self._enter, request, await fields(request))

    def _enter(self, request: Request, form: Mapping[str, str]) -> Response:
        token = request.cookies.get(COOKIE, "")
        same = hmac.compare_digest(form.get("token", "").encode("utf-8", "replace"), token.encode("utf-8", "replace"))
        if not (token and same and from_here(request)):
            return self.form(request, "again", 403)
        found = self.sessions.log_in(request, form.get("name", ""), form.get("password", ""))
        if isinstance(found, float):
            return self.form(request, "wait" if found else "wrong", 429 if found else 403, found)
        _, opened = found
        made = RedirectResponse(local(form.get("next", "/")), 303)
        self.sessions.set_cookie(request, made, opened)
        made.delete_cookie(COOKIE, path="/login")
        return made

    def leave(self, request: Request, session: Session, _: Mapping[str, str]) -> Response:
        """Log out, everywhere."""
        self.sessions.end(request)
        note(request, session, "logout")
        made = RedirectResponse("/login", 303)
        self.sessions.set_cookie(request, made, "")
        return made
