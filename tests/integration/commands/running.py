"""Runs an operator's command in the test's own process."""

import json
from dataclasses import dataclass
from typing import Any

import click
from click.testing import CliRunner


@dataclass(frozen=True, slots=True)
class Said:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        """Its output as lines of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(command: click.Command, *words: str) -> Said:
    """Run it with no terminal and nobody to answer; what it did not catch fails the test."""
    done = CliRunner().invoke(command, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert_harmless(done.output)
    return Said(done.exit_code, done.stdout, done.stderr)


def assert_harmless(text: str) -> None:
    """Nothing in it that a terminal would act on."""
    assert all(char.isprintable() or char == "\n" for char in text), repr(text)
