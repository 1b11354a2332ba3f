"""Starting the sandbox from a command line: the same for `celery -A tasks sandbox` and `python -m tasks.sandbox`."""

import asyncio
import errno
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import click

from tasks.sandbox.sample import PORT
from tidings_cli.numbers import Between

MISSING = "The sandbox needs aiohttp: install 'tidings[sandbox]'."

OPTIONS = (
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    click.option(
        "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes any free one."
    ),
    click.option(
        "--lease",
        type=Between(min=0, min_open=True),
        metavar="SECONDS",
        help="How long a pulled message stays hidden, on all platforms; default: each platform's own.",
    ),
    click.option("--quiet", is_flag=True, help="Print the address only."),
    click.option("--with-parent", is_flag=True, help="Stop when the process that started it is gone."),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the sandbox's options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def launch(host: str, port: int, lease: float | None, *, quiet: bool, with_parent: bool) -> None:
    """Run the sandbox until a signal ends it. The first line printed is its address, for other processes to read."""
    if find_spec("aiohttp") is None:
        raise click.ClickException(MISSING)
    from tasks.sandbox.memory.state import State
    from tasks.sandbox.memory.switches import Leases, Switches
    from tasks.sandbox.sample import accounts_file, guide
    from tasks.sandbox.server import serve

    leases = Leases() if lease is None else Leases(qianmi=lease, taobao=lease)

    listening = False

    def announce(bound: int) -> None:
        nonlocal listening
        listening = True
        url = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        click.echo(f"sandbox listening on {url}")
        if not quiet:
            click.echo("\n" + accounts_file(url, taobao=leases.taobao, qianmi=leases.qianmi) + guide(bound))

    state = State(switches=Switches(lease_seconds=leases))
    try:
        asyncio.run(serve(state, host, port, announce, with_parent=with_parent))
    except OSError as error:
        if listening:  # what it prints has no room, or no reader
            raise
        advice = " Another --port may be free." if error.errno == errno.EADDRINUSE else ""
        known = error.errno is not None and error.errno in errno.errorcode
        reason = os.strerror(error.errno or 0) if known else error.strerror
        raise click.ClickException(f"Cannot listen on {host}:{port}: {reason}.{advice}") from None
