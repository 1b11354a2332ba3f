"""One run of the demo from curtain to curtain: the folder, the show, the verdict, and the end of every process."""

import shutil
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from tasks.commands.demo.screen import final, screen
from tasks.commands.demo.show import Show, TimeUp
from tasks.commands.demo.stage import LEASE, Stage
from tasks.commands.demo.verdict import Sums, summary, words
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes, valkey
from tasks.commands.processes.stopping import Interrupted, Stopping
from tasks.sandbox.process import NotStarted, running

FAILED = 1
ELSEWHERE = "make room there, or set TMPDIR to a folder that has some"
SIGNALLED = 128
"""Exit codes above it name the signal that ended a process, as in a shell."""


def perform(number: int, *, keep: bool) -> int:
    """Show the demo with so many messages; the exit code. Raises `Unusable` when a part of it cannot be had."""
    if find_spec("aiohttp") is None:
        raise Unusable("the sandbox needs aiohttp; install 'tidings[sandbox]'")
    valkey.binary()
    console = Console()
    folder = made()
    code = FAILED
    try:
        code = _perform(folder, console, number, keep=keep)
    finally:
        if code == FAILED:
            if why := valkey.obstacle(folder):
                console.print(f"{why}: {ELSEWHERE}", soft_wrap=True, highlight=False, markup=False)
            console.print(f"What every process said is in {folder}", soft_wrap=True, highlight=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return code


def made() -> Path:
    """A folder for the demo's data. Raises `Unusable` where none can be made."""
    try:
        return Path(tempfile.mkdtemp(prefix="tidings-demo-"))
    except OSError as error:
        raise Unusable(f"there is no folder for temporary files ({error.strerror}): {ELSEWHERE}") from None


def _perform(folder: Path, console: Console, number: int, *, keep: bool) -> int:
    code = None
    with Stopping() as stopping:
        sandbox = running("--lease", str(LEASE), look=partial(stopping.pause, 0))
        try:
            with sandbox as control, Processes() as processes:
                stage = Stage(folder, processes, stopping, control)
                try:
                    code = _play(stage, console, number)
                    if keep:
                        _stay(stage, console)
                finally:
                    processes.kill(*processes.names)  # their state goes too, so nobody has to give anything back
        except Interrupted as asked:
            return SIGNALLED + asked.number if code is None else code
        except NotStarted as error:
            raise Unusable(str(error)) from None
    return code


def _play(stage: Stage, console: Console, number: int) -> int:
    late = ""
    with screen(console) as shown:
        show = Show(stage, shown)
        try:
            show.play(number)
        except TimeUp as up:
            late = f"Time is up: {up}. "
    sums = show.verdict()
    total = sum(sums.values(), Sums())
    console.print(final(sums), soft_wrap=True)
    console.print(summary(total), soft_wrap=True, highlight=False)
    console.print(f"{'[green]Passed' if total.good else '[red]Failed'}[/]: {late}{words(total)}", soft_wrap=True)
    return 0 if total.good else FAILED


def _stay(stage: Stage, console: Console) -> None:
    """Say how to look around, and wait for a signal."""
    exports = [f"  export {name}={value}" for name, value in stage.settings().items()]
    text = ["\nEverything stays up until Ctrl-C. In another terminal:", *exports, "  celery -A tasks inspect active"]
    text.append(f"The sandbox's ledger: {stage.control.url}/sandbox/ledger")
    console.print("\n".join(text), soft_wrap=True, highlight=False, markup=False)
    while True:
        stage.stopping.pause(3600)
