"""A PostgreSQL and a MariaDB of our own, where the machine has their programs: each in its folder, on 127.0.0.1 only."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import create_engine, text

from tasks.commands.processes import Processes
from tests.ports import free_port

SERVERS = ("postgresql", "mariadb")
PACKAGES = {"postgresql": "postgresql", "mariadb": "mariadb-server-core"}
"""Debian's packages."""

PLACES = "/usr/lib/postgresql/*/bin"
START_SECONDS = 60.0
LOOK_SECONDS = 0.05

NOBODY = 65534
"""Neither server runs as root."""


def missing(kind: str) -> str:
    """Why there can be no server of this kind here; "" if there can."""
    found = _postgres("postgres") and _postgres("initdb") if kind == "postgresql" else _maria()
    return "" if found else f"{kind} is not on this machine (Debian package {PACKAGES[kind]})"


@contextmanager
def server(kind: str, *, durable: bool = False) -> Iterator[str]:
    """The address of one that runs inside the block, as SQLAlchemy takes it, without a database's name.

    `durable`: what it commits is on disk, as users have it; otherwise it lives no longer than this machine.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"tidings-{kind}-"))
    port = free_port()
    try:
        with Processes() as processes:
            start = _start_postgres if kind == "postgresql" else _start_maria
            start(processes, folder, port, durable)
            yield f"{'postgresql+psycopg://nobody' if kind == 'postgresql' else 'mariadb+pymysql://root'}@127.0.0.1:{port}"
            if kind == "mariadb":  # it does not hear what the other is stopped with
                processes.kill(*processes.names)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(address: str, name: str) -> str:
    """The address of an empty database on a server."""
    engine = create_engine(
        f"{address}/{'postgres' if address.startswith('postgresql') else ''}", isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{address}/{name}"


def _start_postgres(processes: Processes, folder: Path, port: int, durable: bool) -> None:
    data, log = folder / "data", folder / "log"
    _hand_over(folder)
    subprocess.run(
        _unprivileged(
            _postgres("initdb"), "-D", str(data), "-A", "trust", "-U", "nobody", "-N", "-E", "UTF8", "--locale=C"
        ),
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    options += [] if durable else ["-c", "fsync=off"]
    argv = _unprivileged(_postgres("postgres"), "-D", str(data), "-p", str(port), *options)
    processes.start("postgresql", argv, cwd=folder, log=log, base=True)
    _wait(f"postgresql+psycopg://nobody@127.0.0.1:{port}/postgres", log)


def _start_maria(processes: Processes, folder: Path, port: int, durable: bool) -> None:
    """It makes its files by itself, but for those of its users, whom nobody asks for here."""
    data, log = folder / "data", folder / "log"
    data.mkdir()
    _hand_over(folder)
    options = [
        "--no-defaults",
        f"--datadir={data}",
        "--skip-grant-tables",
        "--skip-networking=0",
        "--bind-address=127.0.0.1",
    ]
    options += [f"--port={port}", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    options += [] if durable else ["--innodb-flush-log-at-trx-commit=0"]
    processes.start("mariadb", _unprivileged(_maria(), *options), cwd=folder, log=log, base=True)
    _wait(f"mariadb+pymysql://root@127.0.0.1:{port}/", log)


def _wait(address: str, log: Path) -> None:
    """Until somebody answers. Raises `TimeoutError` with the end of the log."""
    engine = create_engine(address)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(Exception), engine.connect():
            engine.dispose()
            return
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"no answer: {log.read_text()[-1000:]}")


def _postgres(name: str) -> str:
    """The program of the newest PostgreSQL that is there; "" where there is none."""
    found = sorted(
        Path("/").glob(f"{PLACES[1:]}/{name}"), key=lambda path: int(path.parts[4]) if path.parts[4].isdigit() else 0
    )
    return str(found[-1]) if found else shutil.which(name) or ""


def _maria() -> str:
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin") or ""


def _unprivileged(*argv: str) -> Sequence[str]:
    if os.geteuid() != 0:
        return argv
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *argv)


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
