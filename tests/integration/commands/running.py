"""Runs an operator's command in the test's own process."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from tempfile import TemporaryFile
from typing import IO, Any

import click
import pytest
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


def run_forking(command: click.Command, *words: str, given: str = "") -> Said:
    """The same for a command that forks, with what its children print; `given` is its standard input."""
    with ExitStack() as entered:
        files = [entered.enter_context(TemporaryFile("w+b")) for _ in (1, 2)]
        with redirected(files), standard_input(given), pytest.raises(SystemExit) as ended:
            command.main(list(words), "celery")
        out, err = (read_again(each) for each in files)
    assert_harmless(out + err)
    return Said(int(ended.value.code or 0), out, err)


@contextmanager
def redirected(files: Sequence[IO[bytes]]) -> Iterator[None]:
    """This process's standard output and error, and its children's, go to these files."""
    before, saved = (sys.stdout, sys.stderr), [os.dup(1), os.dup(2)]
    for number, file in enumerate(files, 1):
        os.dup2(file.fileno(), number)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before
        for number, fd in enumerate(saved, 1):
            os.dup2(fd, number)
            os.close(fd)


@contextmanager
def standard_input(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, TextIOWrapper(BytesIO(text.encode()))
    try:
        yield
    finally:
        sys.stdin = before


def read_again(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def assert_harmless(text: str) -> None:
    """Nothing in it that a terminal would act on."""
    assert all(char.isprintable() or char == "\n" for char in text), repr(text)
