"""Options that several commands share."""

import click

CONTENT = click.option(
    "--content", type=click.File("rb"), metavar="FILE", help="The content, as it is; - reads standard input."
)
