"""`handlers.tracing` in a run of the pipeline: one trace a batch, from the pull through each handler to the confirm."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from handlers import Message, Registry, Reject
from tasks import sending, settings
from tasks.handling import spans
from tasks.platforms import Reply, Transient
from tasks.rules.lease import Batch
from tasks.runtime import Stores
from tests.boxed import imported
from tests.integration import test_pipeline
from tests.integration.test_pipeline import FakePlatform, items, until

platform, worker = test_pipeline.platform, test_pipeline.worker
EXPORTER = InMemorySpanExporter()
BUYER = "private-buyer"
SECRETS = (BUYER, "helloworld")


@pytest.fixture(scope="module")
def provider() -> TracerProvider:
    """That of this process: there can be one only."""
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(made)
    return made


@pytest.fixture
def on(tidings: Stores, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, named in the settings."""
    monkeypatch.setenv("TIDINGS_HANDLERS", "handlers, handlers.tracing")
    settings.settings.cache_clear()
    spans.tracing.cache_clear()
    EXPORTER.clear()
    with imported("handlers.tracing") as module:
        yield module
    spans.tracing.cache_clear()


@pytest.fixture
def traced(on: Any, registered: Callable[..., Registry]) -> Registry:
    """A registry whose handler traces something of its own, and rejects message 3."""

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        with trace.get_tracer("shop").start_as_current_span(f"query {message.id}"):
            if message.id == "3":
                raise Reject(BUYER)

    registry = registered(on_any)
    registry.resources.resource(on.tidings_tracer)
    registry.around(on.traced)
    return registry


def finished(name: str) -> list[ReadableSpan]:
    return [each for each in EXPORTER.get_finished_spans() if each.name.startswith(name)]


def id_of(span: ReadableSpan) -> tuple[int, int]:
    assert span.context
    return span.context.trace_id, span.context.span_id


def parent_of(span: ReadableSpan) -> tuple[int, int]:
    assert span.parent
    return span.parent.trace_id, span.parent.span_id


def test_a_batch_is_one_trace_from_pull_to_confirm(
    traced: Registry,
    platform: FakePlatform,
    worker: None,
) -> None:
    platform.replies = [Reply(items(1, 2, 3, content=f'{{"buyer": "{BUYER}"}}'))]
    sending.consume("shop")
    until(lambda: finished("confirm"))
    (pull,), handles, (confirm,) = finished("pull"), finished("handle"), finished("confirm")
    assert pull.parent is None
    assert {parent_of(each) for each in (*handles, confirm)} == {id_of(pull)}
    assert sorted(map(parent_of, finished("query"))) == sorted(map(id_of, handles))
    assert pull.name == "pull shop"
    assert confirm.name == "confirm shop"
    assert {each.name for each in handles} == {"handle t"}
    told = {str((each.attributes or {})["messaging.message.id"]): each for each in handles}
    assert {id_: (each.attributes or {})["tidings.outcome"] for id_, each in told.items()} == {
        "1": "handled",
        "2": "handled",
        "3": "dead",
    }
    assert (told["3"].attributes or {})["error.type"] == "Reject"
    assert not told["3"].status.is_ok
    assert [(each.attributes or {})["messaging.batch.message_count"] for each in (pull, confirm)] == [3, 3]
    assert all((each.attributes or {})["tidings.account"] == "shop" for each in (pull, confirm, *handles))
    assert (pull.start_time or 0) <= (pull.end_time or 0) <= (confirm.end_time or 0)


def test_spans_hold_no_content_and_no_secret(traced: Registry, platform: FakePlatform, worker: None) -> None:
    platform.replies = [Reply(items(3, content=f'{{"buyer": "{BUYER}"}}'))]
    sending.consume("shop")
    until(lambda: finished("confirm"))
    ours = [each for each in EXPORTER.get_finished_spans() if not each.name.startswith("query")]
    text = "\n".join(each.to_json() for each in ours)
    assert "shop" in text
    assert not [secret for secret in SECRETS if secret in text]
    assert not [each for each in ours if each.events]


def test_a_message_knows_its_place_in_the_trace(on: Any, registered: Any, platform: FakePlatform, worker: None) -> None:
    """To hand it on, as to a back end that a webhook calls."""
    seen: list[str] = []

    def on_any(content: dict, message: Message) -> None:  # type: ignore[type-arg]
        seen.append(message.traceparent)

    registered(on_any)
    platform.replies = [Reply(items(1))]
    sending.consume("shop")
    until(lambda: finished("confirm"))
    trace_id, span_id = id_of(finished("pull")[0])
    assert [each[:-3] for each in seen] == [f"00-{trace_id:032x}-{span_id:016x}"]


def test_what_could_not_be_confirmed_is_told(traced: Registry, platform: FakePlatform, worker: None) -> None:
    platform.failures = [Transient("cut")]
    platform.replies = [Reply(items(1, 2))]
    sending.consume("shop")
    until(lambda: len(finished("confirm")) == 2)
    first, second = finished("confirm")
    assert [(each.attributes or {})["tidings.unconfirmed"] for each in (first, second)] == [2, 0]
    assert parent_of(first) == parent_of(second) == id_of(finished("pull")[0])


def test_an_empty_pull_begins_no_trace(on: Any, platform: FakePlatform, worker: None) -> None:
    sending.consume("shop")
    until(lambda: platform.pulls)
    assert not finished("pull")


def test_nothing_of_it_travels_where_it_is_not_named(tidings: Stores) -> None:
    spans.tracing.cache_clear()
    batch = Batch("shop", "b1", 1.0, 20.0)
    assert spans.pulled(batch, 3) is batch
    assert "traceparent" not in batch.to_json()


def test_a_broken_tracer_costs_no_message(
    on: Any, tidings: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spans._warn.cache_clear()

    def broken(*_: object) -> str:
        raise RuntimeError(BUYER)

    monkeypatch.setattr(on, "_told", broken)
    batch = Batch("shop", "b1", 1.0, 20.0)
    assert spans.pulled(batch, 3) == batch
    spans.confirmed(batch, 1.0, 3)
    assert [each.getMessage() for each in caplog.records] == ["a span could not be told: RuntimeError"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OTEL_TRACES_EXPORTER", "pigeon", "OTEL_TRACES_EXPORTER names an exporter that is not installed"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT cannot be used by OpenTelemetry"),
    ],
)
def test_what_opentelemetry_cannot_use_leaves_pulls_alone(
    tidings: Stores,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv("TIDINGS_HANDLERS", "handlers.tracing")
    monkeypatch.setenv(variable, value)
    settings.settings.cache_clear()
    spans.tracing.cache_clear()
    for name in ("handlers.tracing", "opentelemetry.sdk.trace"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    batch = Batch("shop", "b1", 1.0, 20.0)
    assert spans.pulled(batch, 3) is batch
    assert f"nothing is traced here: {said}" in caplog.text
    spans.tracing.cache_clear()


def test_a_provider_that_cannot_be_loaded_costs_no_message(
    on: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """OpenTelemetry says so of OTEL_PYTHON_TRACER_PROVIDER with a `StopIteration`, each time that it is asked."""

    def missing() -> TracerProvider:
        raise StopIteration

    monkeypatch.setattr(trace, "get_tracer_provider", missing)
    with next(on.tidings_tracer()).start_as_current_span("handle"):
        pass
    assert "nothing is traced in this process, as the OTEL_ settings cannot be used: StopIteration" in caplog.text
