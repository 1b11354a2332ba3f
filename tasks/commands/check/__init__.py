"""`celery -A tasks check`: one look at everything before going live."""

import click
from celery.bin.base import CeleryCommand


@click.command(cls=CeleryCommand)
@click.pass_context
def check(ctx: click.Context) -> None:
    """Look at accounts, handlers, Redis, broker and settings, and say what to do. No platform is called.

    Exit code 1 if anything fails; warnings do not count.
    """
    from tasks.commands.check.redis import letters_findings, redis_findings
    from tasks.commands.check.setup import (
        accounts_findings,
        broker_findings,
        handlers_findings,
        lease_findings,
        versions_findings,
    )

    found = []
    setup = (versions_findings, accounts_findings, handlers_findings, lease_findings)
    looks = (*setup, redis_findings, letters_findings, lambda: broker_findings(ctx.obj.app))
    for look in looks:
        for finding in look():
            click.echo(str(finding))
            found.append(finding)
    failed = sum(finding.level == "FAIL" for finding in found)
    warned = sum(finding.level == "WARN" for finding in found)
    click.echo(f"{failed} failed, {warned} warned, {len(found) - failed - warned} are fine")
    ctx.exit(1 if failed else 0)
