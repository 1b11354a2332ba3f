"""Everything that ships to stand around handlers, in one run: processes, a real collector's protocol, a real Sentry client's."""

import json
import signal
from typing import Any

from tests.end_to_end.collector import Collector, collecting
from tests.end_to_end.installation import Installation

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
lease_seconds = 30
[accounts.shop]
gateway = "tb"
poll = { min = 0.2, max = 0.5 }
"""

HANDLERS = '''
"""A user's own Sentry with all its defaults, Celery's integration among them, and a handler that fails, and says why too well."""
import os
import sentry_sdk
from opentelemetry import trace
from handlers import Message, Reject, handles

sentry_sdk.init(os.environ["OWN_DSN"])
print("integrations:", sorted(sentry_sdk.get_client().integrations))

@handles("*")
def on_any(content: dict, message: Message) -> None:
    secret = os.environ["TB_SECRET"]
    with trace.get_tracer("shop").start_as_current_span("query"):
        if content["tid"] == 2:
            raise LookupError(f"{content} {secret}")
        if content["tid"] == 3:
            raise Reject("no such shop")
'''

TOPIC = "taobao_trade_TradeBuyerPay"
BUYER, SECRET = "private-buyer", "helloworld"


def test_traces_errors_times_and_archive_of_a_run_tell_nothing_of_buyers_and_no_secret(
    installation: Installation,
) -> None:
    """Spans are sent when the processes end, and not before, so that this is seen too."""
    with collecting() as collector:
        installation.env |= {
            "TIDINGS_HANDLERS": "handlers.tracing,handlers.sentry,handlers.timing,handlers.archive,shop_handlers",
            "TIDINGS_ARCHIVE_FOLDER": str(installation.home / "archive"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.address}",
            "OTEL_BSP_SCHEDULE_DELAY": "600000",
            "SENTRY_DSN": f"http://public@{collector.address}/1",
            "OWN_DSN": f"http://public@{collector.address}/2",
        }
        installation.configure(ACCOUNTS, HANDLERS)
        contents = [{"tid": number, "buyer": BUYER} for number in (1, 2, 3)]
        installation.control.publish(
            platform="taobao", messages=[{"topic": TOPIC, "content": content} for content in contents]
        )
        worker = installation.worker()
        installation.beat()
        installation.until(lambda: confirmed(installation) == {1, 3}, 90, "what was handled or rejected is confirmed")
        installation.until(lambda: collector.events("1"), what="the error is reported")
        assert not collector.spans
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
        installation.until(
            lambda: {"pull shop", "query"} <= {each.name for each in collector.spans}, what="spans are sent"
        )
        check_errors(collector, installation)
        check_traces(collector)
    archived = [json.loads(line) for line in next((installation.home / "archive").iterdir()).read_text().splitlines()]
    assert {(json.loads(each["content"])["tid"], each["outcome"]) for each in archived} == {
        (1, "handled"),
        (2, "failed"),
        (3, "dead"),
    }
    log = installation.log("worker").read_text()
    assert "handled in 0." in log
    assert "ended with LookupError in 0." in log
    assert "is in the archive" not in log


def confirmed(installation: Installation) -> set[int]:
    rows = installation.control.ledger()
    return {number for number, row in enumerate(rows, 1) if row["confirmed"]}


def check_traces(collector: Collector) -> None:
    """One trace, of processes that handled and of the one that pulled and confirmed."""
    spans = collector.spans
    (pull,) = [each for each in spans if each.name == "pull shop" and not each.parent_span_id]
    below = [each for each in spans if each.parent_span_id == pull.span_id]
    handled = [each for each in below if each.name == f"handle {TOPIC}"]
    assert {each.name for each in below} == {"confirm shop", f"handle {TOPIC}"}
    assert {told(each)["tidings.outcome"] for each in handled} == {"handled", "failed", "dead"}
    queries = [each for each in spans if each.name == "query"]
    assert {each.parent_span_id for each in queries} == {each.span_id for each in handled}
    ours = [each for each in spans if each.name != "query"]
    assert {each.trace_id for each in spans} == {pull.trace_id}
    assert BUYER not in str(ours)
    assert SECRET not in str(ours)


def told(span: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}


def check_errors(collector: Collector, installation: Installation) -> None:
    """Ours, and what the user's own client made of the same run."""
    assert "celery" in installation.log("worker").read_text().partition("integrations:")[2].partition("]")[0]
    reported = collector.events("1")
    assert {each["exception"]["values"][-1]["type"] for each in reported} == {"LookupError"}
    assert all(each["tags"]["account"] == "shop" and each["tags"]["topic"] == TOPIC for each in reported)
    sentry = b"\n".join(body for path, body in collector.bodies if path.startswith("/api/"))
    assert b"on_any" in sentry
    for word in (BUYER, SECRET):
        assert word.encode() not in sentry
