"""`celery -A tasks sandbox`: the three platforms, simulated."""

import click
from celery.bin.base import CeleryCommand

from tasks.sandbox.launch import launch, options


@click.command(cls=CeleryCommand)
@options
def sandbox(host: str, port: int, lease: float | None, *, quiet: bool, with_parent: bool) -> None:
    """Simulate Taobao, Qianmi and vv-tool on one port, to try out handlers without an account anywhere.

    Prints an accounts file that fits. Messages are published, faults set and the ledger read under /sandbox/.
    """
    launch(host, port, lease, quiet=quiet, with_parent=with_parent)
