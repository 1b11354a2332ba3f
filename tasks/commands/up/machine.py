"""What `up` runs on one machine: a Valkey unless there is a Redis, two workers, a beat, and Flower if asked for.

One worker pulls and confirms, the other runs the handlers: one that is killed with its whole worker takes no reply of a platform
along.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from tasks.accounts import load
from tasks.accounts.origins import PYTHON
from tasks.address.home import Remembered, remember, remembered
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Interrupted, Stopping
from tasks.commands.processes.valkey import NAME as VALKEY
from tasks.commands.processes.valkey import USUAL_PORT, Embedded, free_port
from tasks.commands.up.home import claimed
from tasks.commands.up.restarting import Restarting
from tasks.rules.belonging import Installation
from tasks.runtime import registry
from tasks.settings import settings
from tasks.store.connection import connect
from tasks.store.installation import Installations
from tasks.text import shown

LOOK_SECONDS = 0.2

TRIES = 3
"""Ports for a Valkey, as somebody else may be quicker to take one."""

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
        env = dict(os.environ)
        lock = None if settings().told else stack.enter_context(claimed(settings().home))
        processes = stack.enter_context(Processes(lambda: stopping.times))
        if lock is None:
            self.say(f"TIDINGS_REDIS_URL is set: state is kept in {settings().redis}, no Valkey is started")
        else:
            valkey = started(processes, stopping, lock)
            starts[VALKEY] = partial(valkey.start, processes, pass_fds=[lock])
            env |= {"TIDINGS_REDIS_URL": valkey.url, "TIDINGS_INSTALLATION": settled(valkey)}
            found = f"commands find it from here, from elsewhere with TIDINGS_HOME={valkey.folder.resolve()}"
            self.say(f"Valkey runs at {valkey.url}, with its data in {valkey.folder}; {found}")
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
        commands = {
            "pull worker": children.pull_worker(loglevel=self.loglevel, events=events),
            "handle worker": children.handle_worker(
                loglevel=self.loglevel, concurrency=self.concurrency, events=events
            ),
            "beat": children.beat(loglevel=self.loglevel),
        }
        if self.flower is not None:
            commands[f"flower (http://127.0.0.1:{self.flower})"] = children.flower(self.flower)
        return commands


def started(processes: Processes, stopping: Stopping, lock: int) -> Embedded:
    """The Valkey of this folder, at the address that it had before, if that is free. Raises `Unusable` and `Interrupted`."""
    folder = settings().home
    wanted = [*ports(remembered(folder)), USUAL_PORT]
    tries = 0
    while True:
        valkey = Embedded(folder, free_port(*wanted))
        try:
            valkey.start(processes, pass_fds=[lock])
        except OSError as error:
            raise Unusable(f"the embedded Valkey cannot be started: {error}") from None
        try:
            valkey.wait(processes, stopping)
        except Unusable:
            processes.kill(VALKEY)
            tries += 1
            if tries == TRIES or free_port(valkey.port) == valkey.port:  # nobody was quicker: it has another reason
                raise
        else:
            return valkey


def ports(known: Remembered | None) -> Iterator[int]:
    """The port that a Valkey had before, if any."""
    with suppress(ValueError):
        if known and (port := urlsplit(known.url).port):
            yield port


def settled(valkey: Embedded) -> str:
    """The id of the installation in a Valkey of this folder, a new one if there is none; the folder remembers it. Raises
    `Unusable`, also where TIDINGS_INSTALLATION means another one: commands would refuse what runs here."""
    folder, meant = valkey.folder, settings().installation
    known = remembered(folder)
    ours = Installation(known.id if known else meant or token_hex(6), str(folder.resolve()))
    installations = Installations(connect(valkey.url))
    found = installations.claim(ours)
    if meant and meant != found.id and not (known and known.id == meant):
        raise Unusable(
            f"TIDINGS_INSTALLATION is {shown(meant)}, and the installation in {folder} is {found.id}: unset it"
        )
    if found.home != ours.home:
        installations.moved(replace(found, home=ours.home))
    try:
        remember(folder, Remembered(valkey.url, found.id))
    except OSError as error:
        raise Unusable(f"{folder} cannot be written to: {error}; set TIDINGS_HOME to another folder") from None
    return found.id


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
