"""The figures of a run, a line each."""

from collections.abc import Iterator

from tests.end_to_end.chaos.run import Report

SHOWN = 20
"""Lines about messages that did not end well; more would hide the rest."""


def lines(report: Report) -> Iterator[str]:
    """Name and figure."""
    for name, figure in _figures(report):
        yield f"  {name:<28}{figure}"
    for platform, apis in report.apis.items():
        for api, sums in apis.items():
            failed = ", ".join(f"{code} {number}" for code, number in sorted(sums["errors"].items()))
            share = sum(sums["errors"].values()) / sums["calls"]
            yield f"  {platform + ' ' + api:<28}{sums['calls']} calls, {share:.1%} of them failed: {failed}"
    yield from (f"  by itself: {alone}" for alone in report.alone)
    for told, ids in list(report.sums.odd.items())[:SHOWN]:
        yield f"  {told}: {len(ids)} messages, {ids[0]} the first"
    yield "  PASSED" if report.good else "  FAILED"


def _figures(report: Report) -> Iterator[tuple[str, object]]:
    sums, plan = report.sums, report.plan
    yield "messages", plan.messages
    yield "handled", sums.all.handled
    yield "buried", sums.all.buried
    yield "confirmed", f"{sums.all.confirmed} (vvtool takes no confirms)"
    yield "lost", sums.all.lost
    yield "confirmed early", sums.all.early
    yield "not ended", plan.messages - sums.all.published + sums.all.waiting
    if not plan.flush:
        yield "left in the inbox", sums.inbox
        yield "lost between vvtool and us", f"{sums.on_the_way} (a worker killed before Valkey had the reply)"
    yield "handled once too often", f"{sums.all.twice} (at most {report.most_twice})"
    yield "deliveries", sums.deliveries
    yield "workers killed", report.count("worker")
    yield "beat killed", report.count("beat")
    yield "Valkey stopped, killed", f"{report.count('valkey stops')}, {report.count('valkey is killed')}"
    yield "Valkey flushed", report.count("flush")
    yield "seconds with faults, without", f"{report.stirred:.0f}, {report.calm:.0f}"
