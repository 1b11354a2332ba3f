"""`python -m tasks.sandbox`: the sandbox without Celery's command line."""

import click

from tasks.sandbox.launch import launch, options


@click.command()
@options
def main(host: str, port: int, lease: float | None, *, quiet: bool, with_parent: bool) -> None:
    """Simulate the three platforms on one port."""
    launch(host, port, lease, quiet=quiet, with_parent=with_parent)


main(prog_name="python -m tasks.sandbox")
