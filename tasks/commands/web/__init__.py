"""`celery -A tasks web`: metrics, health, and the operators' page, read from Redis. Any number of them may run."""

from importlib.util import find_spec

import click

from tasks.commands.group import Command, in_json_if_asked

HOST, PORT = "127.0.0.1", 8700

NEEDED = ("starlette", "uvicorn", "jinja2", "multipart", "babel")
"""What the extra `web` brings."""


@click.command(cls=Command)
@click.option(
    "--host", default=HOST, show_default=True, metavar="ADDRESS", help="Where to listen: 0.0.0.0 for everywhere."
)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 for any that is free.")
def web(host: str, port: int) -> None:
    """Serve /metrics, /healthz and /readyz, and under / the operators' page, where TIDINGS_WEB_PASSWORD is set.

    Metrics and health ask for no password, so this machine alone is served unless --host says otherwise. What the page shows, how
    to log in and how to put it behind TLS stands in docs/operators-page.md.
    """
    for name in NEEDED:
        if find_spec(name) is None:
            raise click.ClickException(f"{name} is not installed: pip install 'tidings[web]'")
    from tasks.commands.web.server import serve

    in_json_if_asked(logs=True)
    serve(host, port)
