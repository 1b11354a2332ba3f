"""One turn of the throughput benchmark, by the contender that needs nothing: two accounts of a platform that takes its time, from
publish to the figures."""

from pathlib import Path

from tasks.commands.processes.stopping import Stopping
from tasks.sandbox.control import Control
from tests.bench.throughput.cases import Case, messages
from tests.bench.throughput.contenders import BY_NAME
from tests.bench.throughput.measure import measure, warm_up
from tests.bench.throughput.stage import Stage

LANES = 2
DELAY_SECONDS = 0.02
CASE = Case(batch=10, accounts=LANES, delay_ms=round(DELAY_SECONDS * 1000))
POLLS_SECONDS = 0.4
"""In which a contender that does not stand still pulls several times."""


def deliveries(sandbox: Control) -> list[int]:
    return [queue["deliveries"] for queue in sandbox.summary()["queues"] if queue["group"]]


def test_a_turn_pulls_from_every_account_and_begins_once_everything_is_published(
    sandbox: Control, tmp_path: Path
) -> None:
    with Stopping() as stopping, Stage(tmp_path / "stage", sandbox, stopping, BY_NAME["bare"], CASE) as stage:
        warm_up(stage)
        warm = deliveries(sandbox)
        assert len(warm) == LANES
        assert len(set(warm)) == 1
        with stage.held():
            stage.publish(list(messages(CASE, LANES * CASE.batch)))
            stopping.pause(POLLS_SECONDS)
            assert deliveries(sandbox) == warm
        stage.wait(sum(warm) + LANES * CASE.batch, 30)
        speed = measure(stage, 0, pace=100.0, seconds=1.0)
    assert (speed.messages, speed.again) == (100, 0)
    calls = 2 * speed.messages // CASE.batch
    assert speed.seconds > (calls - 1) * DELAY_SECONDS  # the last confirm takes effect before its reply is late
    assert len(set(deliveries(sandbox))) == 1
