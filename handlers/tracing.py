"""Traces every message with OpenTelemetry: one trace a batch, with a span for its pull, each run of a handler, and its confirm.

Off until `TIDINGS_HANDLERS` names it, first and for all workers, as in `TIDINGS_HANDLERS=handlers.tracing,shop`: those that only
pull and confirm look for this name, and import nothing else of it. It comes with `pip install 'tidings[otel]'`. What
`opentelemetry-instrument` or a module of yours has set up is used; otherwise OpenTelemetry's own variables say where spans go:
`OTEL_EXPORTER_OTLP_ENDPOINT` (http://localhost:4318), `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME` (tidings),
`OTEL_TRACES_SAMPLER`; `OTEL_TRACES_EXPORTER` names another exporter that is installed, or `none`.

Spans name account, topic, message id, outcome and the type of an error; nothing of the content, and not what an error says.
"""

import logging
import os
import re
import time
from collections.abc import Iterator
from importlib.metadata import entry_points, version

from handlers.content import Unfit
from handlers.errors import BadSetting, NotLoaded
from handlers.message import Message, Reject
from handlers.registry import around
from handlers.resources import default as resources
from handlers.resources import resource
from handlers.text import kind

try:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ModuleNotFoundError as error:
    raise NotLoaded("handlers.tracing needs OpenTelemetry: pip install 'tidings[otel]'") from error
except ValueError as error:  # its limits are read as it is imported
    wrong = re.search(r"OTEL_\w+", str(error))
    raise BadSetting(
        f"{wrong[0] if wrong else 'an OTEL_ variable'} cannot be used by OpenTelemetry; correct it"
    ) from None

log = logging.getLogger(__name__)

W3C = TraceContextTextMapPropagator()

FLUSH_MILLISECONDS = 2000

Attributes = dict[str, str | int]


def _exporter() -> type[SpanExporter] | None:
    """What sends spans away; None for nobody. Raises `BadSetting` for what is not installed."""
    name = os.environ.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    if name == "none":
        return None
    found = entry_points(group="opentelemetry_traces_exporter", name={"otlp": "otlp_proto_http"}.get(name, name))
    for each in found:
        made: type[SpanExporter] = each.load()
        return made
    raise BadSetting("OTEL_TRACES_EXPORTER names an exporter that is not installed; write otlp, console or none")


EXPORTER = _exporter()


@resource
def tidings_tracer() -> Iterator[trace.Tracer]:
    """What makes spans in this process; those that wait to be sent are sent when it ends. Without it no message fails."""
    provider: trace.TracerProvider = trace.NoOpTracerProvider()
    try:
        provider = trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider):
            trace.set_tracer_provider(_provider())
            provider = trace.get_tracer_provider()
    except Exception as error:
        told = {"event": "tracing_off"}
        text = "nothing is traced in this process, as the OTEL_ settings cannot be used: %s"
        log.error(text, kind(error), extra=told)  # noqa: TRY400
    yield provider.get_tracer("tidings", version("tidings"))
    if isinstance(provider, TracerProvider):
        provider.force_flush(FLUSH_MILLISECONDS)


def _provider() -> TracerProvider:
    made = TracerProvider(resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or "tidings"}))
    if EXPORTER:
        made.add_span_processor(BatchSpanProcessor(EXPORTER()))
    return made


@around
def traced(message: Message, tidings_tracer: trace.Tracer) -> Iterator[None]:
    """A span around the handler, current while it runs: what that traces itself, a query or a call, stands below it."""
    about = {
        "tidings.account": message.account,
        "messaging.destination.name": message.topic,
        "messaging.message.id": message.id,
        "messaging.operation.type": "process",
    }
    with tidings_tracer.start_as_current_span(
        f"handle {message.topic}",
        _place(message.traceparent),
        trace.SpanKind.CONSUMER,
        about,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute("tidings.outcome", "dead" if isinstance(error, Reject | Unfit) else "failed")
            span.set_attribute("error.type", kind(error))
            span.set_status(trace.StatusCode.ERROR)
            raise
        span.set_attribute("tidings.outcome", "handled")


def pulled(account: str, batch: str, messages: int, took: float) -> str:
    """Tell of a pull that is over and took so many seconds; its place in the trace that it begins, as W3C writes it."""
    about: Attributes = {"messaging.operation.type": "receive", "messaging.batch.message_count": messages}
    span = _told("pull", account, batch, about, took, Context(), trace.SpanKind.CONSUMER)
    carrier: dict[str, str] = {}
    W3C.inject(carrier, trace.set_span_in_context(span))
    return carrier.get("traceparent", "")


def confirmed(account: str, batch: str, receipts: int, left: int, took: float, traceparent: str) -> None:
    """Tell of a confirm that is over and took so many seconds; `left` messages of it could not be confirmed."""
    about: Attributes = {
        "messaging.operation.type": "settle",
        "messaging.batch.message_count": receipts,
        "tidings.unconfirmed": left,
    }
    _told("confirm", account, batch, about, took, _place(traceparent), trace.SpanKind.CLIENT)


def _told(
    what: str, account: str, batch: str, more: Attributes, took: float, place: Context | None, role: trace.SpanKind
) -> trace.Span:
    now = time.time_ns()
    tracer: trace.Tracer = resources.value("tidings_tracer")
    about = {"tidings.account": account, "tidings.batch": batch, **more}
    span = tracer.start_span(f"{what} {account}", place, role, about, start_time=now - int(max(0.0, took) * 1e9))
    span.end(now)
    return span


def _place(traceparent: str) -> Context | None:
    """Where in a trace; None where it is not said, which is wherever this thread is."""
    return W3C.extract({"traceparent": traceparent}, Context()) if traceparent else None
