"""Every number that a command line takes is a number."""

from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from tidings_cli.commands import COMMANDS
from tidings_cli.numbers import Whole


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


@pytest.mark.parametrize(("written", "number"), [("2e4", 20_000), ("1.5E3", 1500), ("20000", 20_000), ("100e-2", 1)])
def test_a_whole_number_may_be_written_as_others_are(written: str, number: int) -> None:
    assert Whole(1, 100_000).convert(written, None, None) == number


@pytest.mark.parametrize("written", ["1.5", "15e-1", "2e9", "-2e4", "e", "1e999", "nan", "infinite", ""])
def test_what_is_none_or_out_of_bounds_is_refused(written: str) -> None:
    with pytest.raises(click.BadParameter):
        Whole(1, 100_000).convert(written, None, None)
