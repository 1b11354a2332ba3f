"""Guarantees 1 to 5 under any order of deliveries, failures, crashes and clock steps, checked after each.

hypothesis decides what happens next. The product's own tasks run on a real Valkey, through the product's own requests, bundles,
held marks and deferred commands and Celery's retries and chords, against the sandbox's state; worker.py, platform.py and clock.py
are what is moved by hand.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from handlers import Message, Registry
from tasks import app, handle, runtime, sending
from tasks.handling import asked, stragglers
from tests.integration.conftest import CACHES
from tests.integration.guarantees.clock import START, take_over_scripts
from tests.integration.guarantees.platform import Platform
from tests.integration.guarantees.worker import ENDS, Harm, Run, Stop, is_handle, take_over
from tests.integration.guarantees.world import ACCOUNTS, BUNDLE, MOST_UNFINISHED, World

EXAMPLES = int(os.environ.get("TIDINGS_TEST_EXAMPLES", "16"))
STEPS = 30
MOST = 5
"""Messages in one example, and faults of the platform; more make it slower, not stronger."""
AT_ONCE = 3
"""Runs under way at a time."""

PICK = st.integers(0, 30)
HARMS = st.sampled_from(["pause", "pause", "pause", "kill", "lost", "memory"])
"""Most runs are paused, as only what is under way can be gone on with, or go on beside another."""
STOPS = st.none() | st.builds(Stop, HARMS, st.integers(1, 12))
SOON = st.none() | st.builds(Stop, HARMS, st.integers(1, 4))
VERDICTS = st.sampled_from(["return", "fail", "retry1", "retry5", "reject", "kill", "lost"])
SPANS = st.sampled_from([0.0, 0.1, 0.5, 2.0, 7.0, 15.0, 21.0])
FAULTS = {
    "taobao": [
        {"kind": "http"},
        {"kind": "cut"},
        {"kind": "cut_after"},
        {"kind": "garbage"},
        {"kind": "duplicate"},
        {"kind": "reorder"},
        {"kind": "ignore_confirm"},
    ],
    "vvtool": [{"kind": "http"}, {"kind": "cut"}, {"kind": "error", "code": "202"}, {"kind": "duplicate"}],
}
LASTING = {"due", "seen", "gateways", "plans", "letters", "measures", "paused"}


class Guarantees(RuleBasedStateMachine):
    """One account on one platform."""

    world: ClassVar[World]
    faults = 0

    @initialize()
    def begin(self) -> None:
        self.world.start()
        self.publish(count=1, kind="good")
        self.publish(count=1, kind="bad")
        self.poll(to_end=True)

    @precondition(lambda self: len(self.world.published) < MOST)
    @rule(count=st.integers(1, 3), kind=st.sampled_from(["good", "bad", "deadly", "torn"]))
    def publish(self, count: int, kind: str) -> None:
        world = self.world
        ids = world.platforms.publish(world.platform, count)
        world.published.update(ids)
        {"bad": world.bad, "deadly": world.deadly, "torn": world.torn}.get(kind, set()).update(ids)

    @rule(to_end=st.booleans())
    def poll(self, to_end: bool) -> None:
        sending.consume(self.world.account.name)
        if to_end:
            self.world.worker.start(self.world.worker.ready()[-1])

    @precondition(lambda self: self.world.worker.ready() and len(self.world.worker.runs) < AT_ONCE)
    @rule(pick=PICK, stop=STOPS, twice=st.booleans(), together=st.booleans())
    def start(self, pick: int, stop: Stop | None, twice: bool, together: bool) -> None:
        ready = self.world.worker.ready()
        raw = ready[pick % len(ready)]
        handles = [each for each in ready if is_handle(each)][:BUNDLE]
        bundle = handles if together and handles else [raw]
        self.world.worker.waiting += [raw] * twice
        self.world.worker.start(*bundle, stop=stop)

    @precondition(lambda self: self.world.worker.ready())
    @rule()
    def run_all(self) -> None:
        self.world.run_all()

    @precondition(lambda self: self.world.worker.runs)
    @rule(pick=PICK, verdict=VERDICTS, stop=SOON)
    def go_on(self, pick: int, verdict: str, stop: Stop | None) -> None:
        run = self.one(pick)
        run.stop = stop and Stop(stop.harm, run.steps + stop.at)
        self.world.worker.go(run, verdict if run.place == "handler" or verdict in ENDS else "")

    @precondition(lambda self: self.world.worker.runs)
    @rule(pick=PICK)
    def redeliver(self, pick: int) -> None:
        tasks = self.one(pick).tasks
        self.world.worker.waiting.append(tasks[pick % len(tasks)].raw)

    @precondition(lambda self: self.world.worker.waiting)
    @rule(pick=PICK)
    def lose(self, pick: int) -> None:
        waiting = self.world.worker.waiting
        waiting.pop(pick % len(waiting))

    @rule(seconds=SPANS, look=st.booleans())
    def wait(self, seconds: float, look: bool) -> None:
        """A worker looks once a second: what is done of a batch that others hold up is confirmed before these."""
        self.world.forward(seconds)
        if look:
            stragglers.look()

    @precondition(lambda self: self.faults < MOST)
    @rule(pick=PICK)
    def fault(self, pick: int) -> None:
        faults = FAULTS[self.world.platform]
        self.faults += 1
        self.world.platforms.fault(self.world.platform, **faults[pick % len(faults)])

    @precondition(lambda self: self.world.platform == "taobao" and self.world.holds())
    @rule()
    def flush(self) -> None:
        self.world.observe()
        self.world.flush()

    def one(self, pick: int) -> Run:
        runs = self.world.worker.runs
        return runs[pick % len(runs)]

    @invariant()
    def guarantees_hold(self) -> None:
        check(self.world)

    def teardown(self) -> None:
        check_end(self.world)


def check(world: World) -> None:
    """What has to hold at every moment."""
    world.observe()
    assert not world.wrong
    early = world.confirmed() & world.published - world.returned - world.buried - world.superseded()
    assert not early, f"confirmed though neither handled nor buried: {early}"
    if world.platform == "vvtool":
        lost = world.published - world.somewhere()
        assert not lost, f"neither waiting at the platform nor in the inbox: {lost}"


def check_end(world: World) -> None:
    """What has to hold when nothing has gone wrong any more for a while."""
    settled = world.settle()
    check(world)
    missing = world.published - world.confirmed()
    assert settled, f"never done with: {missing}; batches open {world.open()}, tasks {world.worker.waiting}"
    assert world.published <= world.returned | world.buried | world.superseded()
    assert world.left() <= LASTING


@pytest.fixture(params=["taobao", "vvtool"])
def world(valkey: str, tmp_path: Path, redis: Any, request: pytest.FixtureRequest) -> Iterator[World]:
    """The product in this process, with one account of a platform and hand-moved surroundings."""
    with made(valkey, tmp_path, redis, request.param) as found:
        yield found


@pytest.fixture(params=[("taobao", False), ("vvtool", True)], ids=["key", "latest"])
def keyed(valkey: str, tmp_path: Path, redis: Any, request: pytest.FixtureRequest) -> Iterator[World]:
    """The same, all of whose messages have one key."""
    platform, latest = request.param
    with made(valkey, tmp_path, redis, platform, key="tid", latest=latest) as found:
        yield found


@contextmanager
def made(valkey: str, tmp_path: Path, redis: Any, platform: Platform, **options: Any) -> Iterator[World]:
    """The product in this process, with a handler of these options."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS[platform])
    variables = {
        "TIDINGS_ACCOUNTS": str(tmp_path / "accounts.toml"),
        "TIDINGS_REDIS_URL": valkey,
        "TIDINGS_HANDLERS": "handlers",
        "TIDINGS_MAX_DELIVERIES": str(MOST_UNFINISHED),
        "TIDINGS_MAX_DEAD_RATIO": "1",
        "SECRET": "helloworld",
        "TOKEN": "test-token",
    }
    with pytest.MonkeyPatch.context() as patch, time_machine.travel(START, tick=False) as traveller:
        for name, value in variables.items():
            patch.setenv(name, value)
        fresh()
        app.loader.import_default_modules()
        take_over_scripts(patch)
        take_over(patch)
        logging.disable(logging.CRITICAL)
        world = World(redis, runtime.stores(), traveller, platform, **options)
        world.platforms.take_over(patch)
        registry = handlers(world)
        for module in (handle, asked):
            patch.setattr(module, "registry", lambda: registry)
        warm_up(world)
        yield world
        world.worker.abandon()
        logging.disable(logging.NOTSET)
    fresh()


def fresh() -> None:
    """What the process remembers of its settings is forgotten."""
    for cached in CACHES:
        cached.cache_clear()


def handlers(world: World) -> Registry:
    """One handler for every topic."""

    def on_any(content: dict[str, Any], message: Message) -> None:
        world.handler(content, message)

    registry = Registry()
    registry.handles("*", **world.options)(on_any)
    return registry


def warm_up(world: World) -> None:
    """One message all the way: connections are made and scripts loaded, which would be steps in the first example only."""
    world.published.update(world.platforms.publish(world.platform, 2))
    world.settle()


def test_the_guarantees_hold_whatever_happens_in_whatever_order(world: World) -> None:
    try_orders(world, EXAMPLES)


def test_two_of_a_key_never_run_together_and_the_latest_stands_for_those_before_it(keyed: World) -> None:
    try_orders(keyed, EXAMPLES // 2)


def try_orders(world: World, examples: int) -> None:
    """Try so many examples of what may happen.

    What expires in Valkey does so by its own time too: on a machine that is slow enough an example may go another way when it
    is repeated, which is no verdict. Then all are tried again. A failure is made smaller only where there is time for it.
    """

    class Here(Guarantees):
        pass

    Here.world = world
    how = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize="TIDINGS_TEST_EXAMPLES" not in os.environ,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if "TIDINGS_TEST_EXAMPLES" in os.environ else [])],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Here, settings=how)
    except FlakyStrategyDefinition:
        run_state_machine_as_test(Here, settings=how)


@pytest.mark.parametrize("verdict", ["return", "reject", "fail"])
@pytest.mark.parametrize("harm", ["kill", "lost"])
def test_a_worker_killed_at_any_step_of_any_task_loses_and_confirms_nothing(
    world: World, harm: Harm, verdict: str
) -> None:
    for task in ("tidings.consume", "tidings.handle", "tidings.confirm"):
        at, struck = 0, True
        while struck:
            at += 1
            world.start()
            world.published.update(world.platforms.publish(world.platform, 2))
            sending.consume(world.account.name)
            struck = world.run_striking(task, Stop(harm, at), verdict)
            check(world)
            check_end(world)
        assert at > 2 or (task, verdict) == ("tidings.confirm", "fail")  # whose confirm waits for another try
