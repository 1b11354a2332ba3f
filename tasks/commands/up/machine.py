"""What `up` runs on one machine: a Valkey unless there is a Redis, a worker, a beat, and Flower if asked for."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.accounts import load
from tasks.accounts.origins import PYTHON
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Interrupted, Stopping
from tasks.commands.processes.valkey import NAME as VALKEY
from tasks.commands.processes.valkey import USUAL_PORT, Embedded, free_port
from tasks.commands.up.home import claimed
from tasks.commands.up.restarting import Restarting
from tasks.runtime import registry
from tasks.settings import settings

LOOK_SECONDS = 0.2
EXAMPLE = "accounts.example.toml"


@dataclass(frozen=True, slots=True)
class Machine:
    """One run of `up`. `flower` is Flower's port, None for no Flower; `say` gets a line for whoever watches."""

    concurrency: int | None
    loglevel: str
    flower: int | None
    say: Callable[[str], None]

    def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP. Raises `Unusable` when there is nothing to run with."""
        if self.flower and not children.has_flower():
            raise Unusable(children.FLOWER_MISSING)
        self.say(known_accounts())
        with Stopping() as stopping:
            try:
                with ExitStack() as stack:
                    self._run(stack, stopping)
            except Interrupted as asked:
                self.say(f"stopped by {asked}")

    def _run(self, stack: ExitStack, stopping: Stopping) -> None:
        starts: dict[str, Callable[[], object]] = {}
        url = settings().redis_url
        if "redis_url" in settings().model_fields_set:
            self.say(f"TIDINGS_REDIS_URL is set: state is kept in {settings().redis}, no Valkey is started")
            processes = stack.enter_context(Processes(lambda: stopping.times))
        else:
            lock = stack.enter_context(claimed(settings().home))
            valkey = Embedded(settings().home, free_port(USUAL_PORT))
            url = valkey.url
            processes = stack.enter_context(Processes(lambda: stopping.times))
            starts[VALKEY] = partial(valkey.start, processes, pass_fds=[lock])
            starts[VALKEY]()
            valkey.wait(processes, stopping)
            export = f"for other commands: export TIDINGS_REDIS_URL={url}"
            self.say(f"Valkey runs, with its data in {valkey.folder}; {export}")
        env = {**os.environ, "TIDINGS_REDIS_URL": url}
        for name, argv in self._commands().items():
            starts[name] = partial(processes.start, name, argv, env=env)
        keeper = Restarting(processes, starts, self.say)
        keeper.look()
        self.say(f"started: {', '.join(self._commands())}; Ctrl-C stops everything")
        try:
            while True:
                stopping.pause(LOOK_SECONDS)
                keeper.look()
        except Interrupted:
            self.say("stopping; handlers that run have ten seconds, Ctrl-C again interrupts them")
            raise

    def _commands(self) -> dict[str, list[str]]:
        events = self.flower is not None
        worker = children.worker(loglevel=self.loglevel, concurrency=self.concurrency, events=events)
        commands = {"worker": worker, "beat": children.beat(loglevel=self.loglevel)}
        if self.flower is not None:
            commands[f"flower (http://127.0.0.1:{self.flower})"] = children.flower(self.flower)
        return commands


def known_accounts() -> str:
    """How many accounts there are. Raises `Unusable`, `AccountsError` or `HandlersError` when something cannot be read."""
    source = settings().accounts
    if not source.startswith(PYTHON) and not Path(source).exists():
        write = f"write {source} (the README has an example)"
        first = f"copy {EXAMPLE} to {source}" if Path(EXAMPLE).exists() else write
        raise Unusable(f"there is no {source}: {first}, with your shops in it; TIDINGS_ACCOUNTS names another file")
    accounts = load(source)
    registry()
    return f"{len(accounts.accounts)} accounts in {source}"
