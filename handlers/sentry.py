"""Reports to Sentry what handlers raise, with account, topic and message id as tags.

Off until `TIDINGS_HANDLERS` names it, as in `TIDINGS_HANDLERS=handlers.sentry,shop`, with the project's address in `SENTRY_DSN`;
`SENTRY_ENVIRONMENT` and `SENTRY_RELEASE` are heard too. It comes with `pip install 'tidings[sentry]'`.

`Reject` and `Retry` are what handlers decide, and no errors. Sentry gets the types of errors and where they were raised, with the
lines of source around that. It gets neither what an error says nor values of variables, requests, logs and command lines: these
tell of buyers, or hold secrets. A client of its own sees to that, whatever a `sentry_sdk.init` of yours says.
"""

import logging
from collections.abc import Iterator
from typing import Any

from handlers.content import Unfit
from handlers.environment import needed
from handlers.errors import BadSetting, NotLoaded
from handlers.message import Message, Reject, Retry
from handlers.registry import around
from handlers.resources import default as resources
from handlers.resources import resource
from handlers.text import fields, kind

try:
    import sentry_sdk
    from sentry_sdk.utils import BadDsn, Dsn, event_from_exception
except ModuleNotFoundError as missing:
    raise NotLoaded("handlers.sentry needs Sentry's client: pip install 'tidings[sentry]'") from missing

DSN = needed("SENTRY_DSN", "the address of your project in Sentry")
try:
    Dsn(DSN).host.encode("idna")  # no system can be asked for another one
except (BadDsn, ValueError):  # the latter for a port, too
    raise BadSetting("SENTRY_DSN is no address of a project in Sentry; copy it from the project's settings") from None

FLUSH_SECONDS = 2.0

EVENT = frozenset(
    {"event_id", "timestamp", "level", "platform", "exception", "tags", "environment", "release", "server_name", "sdk"}
)
FRAME = frozenset(
    {"filename", "abs_path", "function", "module", "lineno", "pre_context", "context_line", "post_context", "in_app"}
)
"""What goes to Sentry. Everything else is left out, also what a later version of its client may add."""

log = logging.getLogger(__name__)


def only_what_is_safe(event: Any, _hint: Any = None) -> Any:
    """An event without what errors say, and without everything that is not known to be safe."""
    for each in event.get("exception", {}).get("values", ()):
        each["value"] = ""
        frames = (each.get("stacktrace") or {}).get("frames", ())
        each["stacktrace"] = {"frames": [{name: frame[name] for name in FRAME & frame.keys()} for frame in frames]}
    return {name: event[name] for name in EVENT & event.keys()}


@resource
def tidings_sentry() -> Iterator[sentry_sdk.Client]:
    """The client of this process. What waits to be sent is sent when it ends."""
    made = client()
    yield made
    made.close(timeout=FLUSH_SECONDS)


def client(**more: Any) -> sentry_sdk.Client:
    """A client that is nobody else's, with nothing in it that collects what it was not given."""
    return sentry_sdk.Client(
        DSN,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=only_what_is_safe,
        **more,
    )


@around
def reported(message: Message) -> Iterator[None]:
    """Report what the handler raises. What is wrong with the report costs no message."""
    try:
        yield
    except (Reject, Retry):
        raise
    except Exception as error:
        try:
            report(message, error)
        except Exception as fault:
            log.warning(
                "an error was not reported to Sentry: %s", kind(fault), extra=fields("sentry_unreported", message)
            )
        raise


def report(message: Message, error: Exception) -> None:
    """Hand the error to Sentry's client, which sends it later."""
    to: sentry_sdk.Client = resources.value("tidings_sentry")
    event, hint = event_from_exception(error, to.options, {"type": "tidings", "handled": True})
    event["tags"] = {"account": message.account, "topic": message.topic, "message_id": message.id}
    if isinstance(error, Unfit):
        event["tags"]["unfit"] = error.reason
    to.capture_event(event, hint, sentry_sdk.Scope(client=to))
