"""Ports for what tests start."""

import os
import socket
from itertools import count

FIRST, EACH, WORKERS = 11_000, 2_500, 8
"""Below those that the system gives to whoever asks for any, and so many for each of pytest-xdist's workers."""

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_turns = count(os.getpid())  # another run on this machine begins elsewhere


def free_port() -> int:
    """One that nobody listens on, and that nobody else gets before it is listened on: of the system's own choice anybody may."""
    while True:
        port = FIRST + EACH * _worker + next(_turns) % EACH
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
