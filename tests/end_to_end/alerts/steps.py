"""What is done to make each alert true, one step after the other."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.end_to_end.alerts.stage import SHIM, Stage

Do = Callable[[Stage], object]


UNANSWERED = """
[gateways.new]
platform = "taobao"
app_key = "34567890"
app_secret = "env:TB_SECRET"
url = "http://127.0.0.1:9/router/rest"
[accounts.new]
gateway = "new"
"""
"""A gateway at an address where nobody listens."""


def nothing(_: Stage) -> None:
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, which alerts are then true, and what mends it."""

    what: str
    do: Do
    alerts: tuple[str, ...]
    mend: Do = nothing


def publish(stage: Stage, topic: str, number: int = 1, *, to: str = "taobao", **content: object) -> None:
    group = {"taobao": "g1"}.get(to, "")
    messages = [{"topic": topic, "content": {"n": n, **content}} for n in range(number)]
    stage.made.control.publish(to, messages, group=group)


def clear(stage: Stage) -> None:
    stage.made.control.clear_faults()


def nobody_handles(stage: Stage) -> None:
    stage.made.kill("handle")
    publish(stage, "paid")


def confirms_fail(stage: Stage) -> None:
    stage.made.control.fault("qianmi", "http", api="confirm")
    publish(stage, "paid", to="qianmi")


def nobody_confirms(stage: Stage) -> None:
    before = stage.began()
    publish(stage, "long", to="qianmi", seconds=1.5)
    stage.until(lambda: stage.began() > before, "a handler has begun")
    stage.made.kill("pull")


def too_late(stage: Stage) -> None:
    """The worker comes back when the lease is over, and what waited for it is not worth a call any more."""
    time.sleep(10)
    stage.pull_worker()


def clock_off(stage: Stage) -> None:
    folder = stage.made.home / "shim"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SHIM)
    before = dict(stage.made.env)
    stage.made.env |= {"OFF": "25", "PYTHONPATH": os.pathsep.join([str(folder), str(stage.made.home)])}
    stage.made.worker("off", "-Q", "other", "-c", "1")
    stage.made.env.clear()
    stage.made.env |= before


def nobody_answers(stage: Stage) -> None:
    stage.configure(limit=UNANSWERED)


def spend(stage: Stage) -> None:
    """The limit becomes what is used already."""
    used = stage.value('tidings_used_today{gateway="tb2",unit="calls"}')
    stage.configure(limit=f"calls_per_day = {max(1, int(used))}")


def pause(stage: Stage) -> None:
    stage.made.once("accounts", "pause", "shop-7")


def resume(stage: Stage) -> None:
    stage.made.once("accounts", "resume", "shop-7")


def kill_workers(stage: Stage) -> None:
    stage.made.kill("pull")
    stage.made.kill("handle")


STEPS = [
    Step(
        "five messages are refused for good",
        lambda s: publish(s, "bad", 5),
        ("TidingsLettersGrowing", "TidingsLettersOld"),
    ),
    Step("a handler breaks", lambda s: publish(s, "broken", 15), ("TidingsHandlersFailing",)),
    Step("nobody handles", nobody_handles, ("TidingsOldestMessage",), lambda s: s.handle_worker()),
    Step("the platform takes no confirms", confirms_fail, ("TidingsUnconfirmed",), clear),
    Step("the pull worker is killed", nobody_confirms, ("TidingsQueueUnserved",)),
    Step("it comes back too late", too_late, ("TidingsLateConfirms", "TidingsPollsDropped")),
    Step(
        "a platform is down",
        lambda s: s.made.control.fault("vvtool", "http"),
        ("TidingsGatewayNotPulled", "TidingsCallsFailing"),
        clear,
    ),
    Step(
        "a shop's authorisation ends",
        lambda s: s.made.control.fault("taobao", "unauthorised_shop", group="g3"),
        ("TidingsAccountsPaused",),
        clear,
    ),
    Step(
        "the app is banned for a while",
        lambda s: s.made.control.fault("taobao", "ban", app="23456789", seconds=60, count=1),
        ("TidingsGatewayPaused",),
        clear,
    ),
    Step(
        "a new gateway is at a wrong address",
        nobody_answers,
        ("TidingsGatewayNeverPulled",),
        lambda s: s.configure(),
    ),
    Step("somebody pauses a shop", pause, ("TidingsPausedByHand",), resume),
    Step("the day's calls are spent", spend, ("TidingsQuotaSpent", "TidingsQuotaRunningOut")),
    Step("a machine's clock is off", clock_off, ("TidingsClockSkew",), lambda s: s.made.kill("off")),
    Step(
        "beat is killed",
        lambda s: s.made.kill("beat"),
        ("TidingsBeatLate", "TidingsShopsNotPulled", "TidingsNoBeat"),
        lambda s: s.made.beat(),
    ),
    Step("both workers are killed", kill_workers, ("TidingsNoWorker",)),
    Step("Redis is stopped", lambda s: s.server.stop(), ("TidingsRedisDown",)),
    Step("web is killed", lambda s: s.made.kill("web"), ("TidingsDown",)),
]
