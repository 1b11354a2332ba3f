"""Several beats at work, as processes, and one of them killed."""

import time

from tasks.pulling.rota import SENDING_SECONDS
from tests.bench.beat_scale import Case, staged

ACCOUNTS, EVERY = 400, 2.0


def test_two_beats_send_nobody_twice_and_one_goes_on_alone() -> None:
    with staged(Case(ACCOUNTS, EVERY, "file", 2, "one killed")) as stage:
        worker, now = stage.worker, time.time()
        worker.expect({name: now + place * EVERY / ACCOUNTS for place, name in enumerate(list(worker.due))})
        worker.work(now + 2 * EVERY)
        assert len(worker.seen.late) >= ACCOUNTS
        assert worker.seen.twice == []
        stage.happen()
        killed = time.time()
        worker.work(killed + SENDING_SECONDS + 2 * EVERY + 2)
        assert not [name for name, due in worker.due.items() if due < killed + EVERY], "not sent since"
