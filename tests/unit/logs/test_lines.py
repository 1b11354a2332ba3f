"""A log line in both forms: what it holds, and that every JSON line is one whole object."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery.app.trace import LOG_FAILURE

from handlers import Message
from tasks.logs import about, json_lines, streams
from tasks.logs.console import WithFields
from tasks.plumbing.logs import translated

TELLING = "[%(levelname)s] %(message)s"


class Said:
    """A logger, and what its lines are in either form."""

    def __init__(self, log: logging.Logger) -> None:
        self.log = log
        self.console, self.json = io.StringIO(), io.StringIO()
        for stream, formatter in ((self.console, WithFields(TELLING)), (self.json, json_lines.formatter())):
            handler = logging.StreamHandler(stream)
            handler.setFormatter(formatter)
            log.addHandler(handler)

    @property
    def line(self) -> dict[str, Any]:
        [text] = self.json.getvalue().splitlines()
        found: dict[str, Any] = json.loads(text)
        return found

    def again(self) -> None:
        self.json.truncate(0)
        self.json.seek(0)


@pytest.fixture(params=["said"])
def said(request: pytest.FixtureRequest) -> Iterator[Said]:
    log = logging.getLogger(request.param)
    log.propagate, before = False, log.level
    log.setLevel(logging.DEBUG)
    yield Said(log)
    log.handlers.clear()
    log.propagate = True
    log.setLevel(before)


def test_a_line_holds_event_text_and_fields(said: Said) -> None:
    said.log.warning("%s: %d left", "shop-1", 3, extra=about("unconfirmed", account="shop-1", messages=3, batch=None))
    line = said.line
    assert line.items() >= {"event": "unconfirmed", "message": "shop-1: 3 left", "level": "warning"}.items()
    assert line.items() >= {"account": "shop-1", "messages": 3, "logger": "said"}.items()
    assert "batch" not in line
    assert line["timestamp"].endswith("Z")
    assert said.console.getvalue() == "[WARNING] shop-1: 3 left [unconfirmed account=shop-1 messages=3]\n"


def test_a_line_of_somebody_else_is_as_it_was(said: Said) -> None:
    said.log.info("plain %s", "text")
    assert said.line["event"] == "log"
    assert said.console.getvalue() == "[INFO] plain text\n"


def test_a_traceback_is_a_field(said: Said) -> None:
    try:
        int("broken")
    except ValueError:
        said.log.exception("it failed")
    assert said.line["exception"].endswith("'broken'")
    assert "Traceback (most recent call last)" in said.console.getvalue()


@pytest.mark.parametrize("said", ["handlers.message"], indirect=True)
def test_a_handlers_own_line_has_its_message_in_fields_once(said: Said) -> None:
    message = Message(id="7", topic="a_Topic", account="shop-1", platform="taobao", content="{}")
    message.log.warning("no stock", extra={"sku": "A 1", "event": "out_of_stock"})
    whose = {"account": "shop-1", "topic": "a_Topic", "message_id": "7", "sku": "A 1", "event": "out_of_stock"}
    assert said.line.items() >= whose.items()
    assert said.console.getvalue() == '[WARNING] shop-1 a_Topic 7: no stock [out_of_stock sku="A 1"]\n'


def test_no_field_of_somebody_takes_the_place_of_ours(said: Said) -> None:
    said.log.info("x", extra={"level": "theirs", "timestamp": "theirs", "event": 7})
    line = said.line
    assert line.items() >= {"level": "info", "event": "log", "extra_level": "theirs"}.items()
    assert line["timestamp"] != "theirs"


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1: 2, (3,): 4}, object(), "\ud800", b"x", {"a": {1, 2}}, "中文" * 9, "\n\x1b[2J"],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_field_holds_a_line_is_one_object_in_ascii(said: Said, value: object) -> None:
    # pytest's own would be sent between its processes, which half a character does not survive
    said.log.handlers[:] = [each for each in said.log.handlers if type(each) is logging.StreamHandler]
    said.log.info("x %s", value, extra={"field": value})
    circle: list[Any] = [value]
    circle.append(circle)
    said.log.info("x", extra={"field": circle})
    lines = said.json.getvalue().splitlines()
    assert len(lines) == 2
    for text in lines:
        assert text.isascii()
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        text.encode().decode("unicode_escape").encode("utf-16", "surrogatepass")
    assert "\\ud800" not in lines[0].replace("\\\\ud800", "")


def test_lines_of_a_users_structlog_are_whole_in_both_forms(said: Said) -> None:
    log = structlog.wrap_logger(
        said.log,
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    log.info("paid", order=3)
    assert said.line.items() >= {"message": "paid", "order": 3}.items()
    assert said.console.getvalue() == "[INFO] paid [order=3]\n"


@pytest.mark.parametrize("said", ["celery.app.trace"], indirect=True)
def test_celerys_line_of_a_task_names_it_in_fields_and_leaves_out_its_arguments(said: Said) -> None:
    for handler in said.log.handlers:
        handler.addFilter(translated)
    told = {
        "id": "1",
        "name": "tidings.confirm",
        "description": "raised",
        "exc": "E",
        "args": "SECRET",
        "kwargs": "SECRET",
    }
    said.log.error(LOG_FAILURE, told, extra={"data": told})
    assert said.line.items() >= {"event": "task_failed", "task": "tidings.confirm", "task_id": "1"}.items()
    assert "SECRET" not in said.json.getvalue() + said.console.getvalue()


def printing(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What comes of all that is printed from here on. No fixture, as pytest changes the streams after those."""
    beneath = io.StringIO()
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        monkeypatch.setattr(sys, name, beneath)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", None)
    streams.as_json()
    return beneath


def test_what_is_printed_is_json_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = printing(monkeypatch)
    print("one", 1)  # noqa: T201 - what handlers and libraries do
    print("two\n\nthree", file=sys.stderr)  # noqa: T201 - the same
    streams.tell("up", "started")
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["one 1", "two", "three", "started"]
    assert [line["event"] for line in lines] == ["printed", "printed", "printed", "up"]
    assert [line["level"] for line in lines] == ["info", "warning", "warning", "info"]


def test_an_exception_that_nobody_catches_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = printing(monkeypatch)
    try:
        int("of all")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    line = json.loads(printed.getvalue())
    assert line["event"] == "crashed"
    assert line["exception"].endswith("'of all'")
