"""What `celery -A tasks sandbox accounts` does."""

import click
from requests.exceptions import RequestException

from tasks.sandbox.control import Control, ControlError
from tasks.sandbox.memory.switches import Leases
from tasks.sandbox.sample import accounts_file

ANSWER_SECONDS = 5


def perform(url: str) -> None:
    """Print the accounts file for the sandbox there, with the leases that it has or, where none runs yet, will have."""
    leases = Leases()
    try:
        with Control(url, ANSWER_SECONDS) as control:
            leases = Leases.model_validate(control.switches()["lease_seconds"])
    except (ControlError, RequestException, ValueError, KeyError):
        click.echo("note: no sandbox runs there yet; start it: celery -A tasks sandbox", err=True)
    click.echo(accounts_file(url.rstrip("/"), taobao=leases.taobao, qianmi=leases.qianmi), nl=False)
