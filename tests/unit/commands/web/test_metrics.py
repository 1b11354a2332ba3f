"""What `/metrics` says: every metric that its page names and no other, in Prometheus's text."""

import re
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasks.accounts.roster import Roster
from tasks.commands.web import metrics
from tasks.commands.web.gauges import Gauges
from tasks.commands.web.looking import Looking
from tasks.commands.web.metrics import COUNTERS, GAUGES, HISTOGRAMS, OWN, Picture, Shown, render
from tasks.rules import measures
from tests import ROOT

PAGE = ROOT / "docs" / "metrics.md"


def exposed() -> dict[str, set[str]]:
    """Every metric with its labels."""
    counters = {f"{name}_total": set(labels) for name, (_, labels, _) in COUNTERS.items()}
    others = {name: set(labels) for name, (_, labels, _) in {**HISTOGRAMS, **OWN}.items()}
    return {**counters, **others, **{name: set(each.labels) for name, each in GAUGES.items()}}


def test_the_page_names_what_is_exposed_with_its_labels() -> None:
    rows = re.findall(r"^\| `(tidings_\w+)` \| ([^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == exposed()


def test_counters_histograms_and_gauges_read_as_prometheus_reads_them() -> None:
    ends = [('a "topic"', "handled", (10_000, 3_000_000))] * 2
    found = measures.measured({name: str(number) for name, number in measures.ended("tb", ends).items()})
    now = Gauges(limits={("tb", "calls"): 5}, used={("tb", "calls"): 7}, queues={"handle": 3, "far": None})
    text = render(Shown("1.0", found, now, 2.0)).decode()
    samples = {
        (each.name, *sorted(each.labels.items())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }
    about = ("gateway", "tb"), ("topic", 'a "topic"')
    assert samples["tidings_messages_total", about[0], ("outcome", "handled"), about[1]] == 2
    assert samples["tidings_handler_seconds_bucket", about[0], ("le", "0.005"), about[1]] == 0
    assert samples["tidings_handler_seconds_bucket", about[0], ("le", "+Inf"), about[1]] == 2
    assert samples["tidings_handler_seconds_sum", *about] == 0.02
    assert samples["tidings_left_today", ("gateway", "tb"), ("unit", "calls")] == 0
    assert samples[("tidings_queue_length", ("queue", "handle"))] == 3
    assert ("tidings_queue_length", ("queue", "far")) not in samples
    assert samples[("tidings_redis_up",)] == 1


def test_without_redis_it_says_so_and_nothing_else() -> None:
    families = {
        family.name for family in text_string_to_metric_families(render(Shown("1.0")).decode()) if family.samples
    }
    assert families == {"tidings_redis_up", "tidings_build_info"}


def test_gauges_are_read_again_beside_the_answer_and_waited_for_only_when_old() -> None:
    now, reads = [0.0], list[float]()

    def read() -> Gauges:
        reads.append(now[0])
        return Gauges()

    picture = Picture(read, lambda: now[0])
    assert [picture.get()[1] for now[0] in (0.0, metrics.READ_SECONDS)] == [0.0, metrics.READ_SECONDS]
    assert reads == [0.0]
    now[0] = 1000.0
    assert picture.get()[1] == 0.0
    assert reads == [0.0, 1000.0]


def test_who_asks_first_is_told_what_was_read_at_the_start() -> None:
    reads = list[int]()

    def read() -> Gauges:
        reads.append(1)
        return Gauges(workers=7)

    picture = Picture(read)
    picture.begin()
    assert picture.get()[0].workers == 7
    assert reads == [1]


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_system_without_threads_for_a_while_keeps_nobody_from_asking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture(lambda: Gauges(workers=7))
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", refuse)
        picture.begin()
    assert picture._reading.acquire(timeout=1)
    picture._reading.release()
    assert picture.get()[0].workers == 7


def test_the_page_looks_once_there_is_a_thread_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()
    monkeypatch.setattr(Looking, "_run", lambda _: looked.set())
    looking = Looking(Roster("accounts.toml"))
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            looking.wish()
    looking.wish()
    assert looked.wait(5)


def test_a_first_read_that_fails_keeps_nobody_from_asking_again() -> None:
    reads = list[int]()

    def read() -> Gauges:
        reads.append(1)
        if len(reads) == 1:
            raise ConnectionError("away")
        return Gauges(workers=7)

    picture = Picture(read)
    picture.begin()
    assert picture.get()[0].workers == 7
