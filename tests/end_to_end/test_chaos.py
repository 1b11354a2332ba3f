"""Nothing is lost while everything is killed: the short run. `make chaos` does the long one.

`.ci/run` does the short one on Celery's own parts, too, where it has time.
"""

from pathlib import Path

from tests.end_to_end.chaos.figures import lines
from tests.end_to_end.chaos.plan import SHORT
from tests.end_to_end.chaos.run import Run


def test_nothing_is_lost_or_confirmed_early_while_workers_beat_and_valkey_are_killed(tmp_path: Path) -> None:
    said: list[str] = []
    report = Run(SHORT, tmp_path, said.append).perform()
    told = "\n".join([*said, *lines(report)])
    sums = report.sums
    assert (sums.all.lost, sums.all.early) == (0, 0), told
    assert sums.done + sums.on_the_way == SHORT.messages, told
    assert sums.all.twice <= report.most_twice, told
    assert len(report.alone) <= report.most_alone, f"a process ended that nobody had touched\n{told}"
    assert (report.count("worker") >= 5, report.count("beat"), report.count("valkey is killed")) == (True, 1, 1), told
    assert report.good, told
