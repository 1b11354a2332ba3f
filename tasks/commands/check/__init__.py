"""`celery -A tasks check`: one look at everything before going live."""

from collections import Counter
from dataclasses import replace
from itertools import chain

import click

from tasks.commands.group import Command


@click.command(cls=Command, whose="none")
@click.pass_context
def check(ctx: click.Context) -> None:
    """Look at accounts, handlers, Redis, broker and settings, and say what to do. No platform is called.

    Exit code 1 when something is to be done: anything failed or warned of, each with its "to do". 0 when there is nothing.
    """
    from tasks.commands.check import options, redis, setup, topics, whose
    from tasks.settings import settings

    found = []
    installation, there = whose.whose()
    parts = [setup.versions_findings(), setup.accounts_findings(), setup.handlers_findings(), setup.debug_findings()]
    parts += [options.timeouts_findings(), setup.names_findings(), iter(installation)]
    if there and (absent := redis.absence()):
        same = settings().broker == settings().redis  # then it need not be waited for twice
        broker = [replace(each, about="broker") for each in absent] if same else setup.broker_findings(ctx.obj.app)
        parts += [iter(absent), iter(broker)]
    elif there:
        parts += [
            topics.topics_findings(),
            options.queues_findings(),
            redis.redis_findings(),
            setup.broker_findings(ctx.obj.app),
        ]
    for finding in chain(*parts):
        click.echo(str(finding))
        found.append(finding)
    levels = Counter(finding.level for finding in found)
    failed, warned = levels["FAIL"], levels["WARN"]
    click.echo(f"{failed} failed, {warned} warned, {len(found) - failed - warned} are fine")
    ctx.exit(1 if failed or warned else 0)
