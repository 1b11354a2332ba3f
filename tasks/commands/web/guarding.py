"""Around every request: for whom it is meant, how large it is, and what a browser may do with the reply."""

from collections.abc import Iterable
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 * 1024
"""A form that is larger is none of ours."""

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""No script anywhere, no style but our own file's, in nobody's frame."""

NO_STORE = "no-store"
ONE_YEAR = "max-age=31536000"
MACHINES = ("/metrics", "/healthz", "/readyz")


class Guard:
    """Refuses what is not meant for this server: other names (DNS rebinding), forms that are too large."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, loopback: bool) -> None:
        """`hosts` are the names by which it is reached beside addresses and `localhost`. Where it is not served on `loopback`
        alone, machines may use any name."""
        self.app = app
        self._known = {"localhost", *(host.casefold() for host in hosts)}
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, sending = Headers(scope=scope), with_headers(scope, send)
        if refused := self._refused(scope, headers):
            await PlainTextResponse(refused[1], refused[0])(scope, receive, sending)
        else:
            await self.app(scope, receive, sending)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        by_machine = scope["path"] in MACHINES and not self._loopback
        if not by_machine and not self._is_known(headers.get("host", "")):
            return 421, "not served under this name: TIDINGS_WEB_HOSTS lists names\n"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "GET and POST only\n"
        if scope["method"] == "POST":
            length = headers.get("content-length", "")
            if not length.isascii() or not length.isdigit():
                return 411, "a form has a length\n"
            if int(length) > MOST_BYTES:
                return 413, "the form is too large\n"
        return None

    def _is_known(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host
        name = name.removeprefix("[").removesuffix("]").casefold().removesuffix(".")
        if name in self._known:
            return True
        try:
            return bool(ip_address(name))  # who names an address has not been sent here by another name
        except ValueError:
            return False


def with_headers(scope: Scope, send: Send) -> Send:
    """The same way to send, with our headers."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", NO_STORE)
            if scope.get("scheme") == "https":
                headers["strict-transport-security"] = ONE_YEAR
        await send(message)

    return sending
