"""Every number that a command line takes is a number."""

from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from tidings_cli.commands import COMMANDS


def floats(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
    """The parameters of a command and its own commands that take a number with a fraction."""
    for param in command.params:
        if isinstance(param.type, click.types.FloatParamType):
            yield f"{name} {param.name}", param
    for sub, each in getattr(command, "commands", {}).items():
        yield from floats(each, f"{name} {sub}")


FOUND = [one for name in COMMANDS for one in floats(getattr(import_module(f"tasks.commands.{name}"), name), name)]


@pytest.mark.parametrize(("name", "param"), FOUND, ids=[name for name, _ in FOUND])
def test_nan_is_refused_as_out_of_bounds(name: str, param: click.Parameter) -> None:
    with pytest.raises(click.BadParameter, match="'nan' is not in the range"):
        param.type.convert("nan", param, None)


def test_there_are_some() -> None:
    assert {"size peak", "status seconds", "sandbox lease", "letters replay seconds"} <= {name for name, _ in FOUND}
