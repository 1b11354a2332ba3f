"""Recipes of the papers, followed word for word: files are written, commands typed, and what they print is looked at."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^(?:# |<\?php // |// )([\w.]+)\n")
TERMINAL = re.compile(r"# terminal: (.+)\n")
PATIENT = "# within some seconds\n"
FILES = ("python", "php", "java", "toml")

SECONDS = 200.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of code, and what is to be printed by it: "" for nothing that is told."""

    language: str
    text: str
    printed: str = ""


def blocks(page: str, *headings: str) -> list[Block]:
    """What stands below these headings, in their order, up to the next one of any rank."""
    found: list[Block] = []
    for heading in headings:
        for language, text in FENCE.findall(section(page, heading)):
            if language == "text":
                found[-1] = Block(found[-1].language, found[-1].text, text)
            else:
                found.append(Block(language, text))
    return found


def section(page: str, heading: str) -> str:
    """What stands below a heading, without parts of its own."""
    _, there, after = page.partition(f"\n{heading}\n")
    assert there, f"the page has no {heading}"
    return re.split(r"^#{2,3} ", after, maxsplit=1, flags=re.MULTILINE)[0]


@dataclass
class Follower:
    """Somebody who follows recipes in a folder, with a clean environment; what has a terminal of its own runs on until `stop`."""

    folder: Path
    environment: dict[str, str]
    terminals: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def follow(self, recipe: list[Block]) -> None:
        """Do what each block says. Raises `AssertionError` where something else is printed."""
        for block in recipe:
            if block.language in FILES:
                self.write(block.text)
            elif named := TERMINAL.match(block.text):
                self.open(named[1], block)
            elif block.text.startswith(PATIENT):
                self.repeat(block)
            else:
                printed = self.type(block.text)
                assert not block.printed or fits(block.printed, printed), told(block, printed)

    def write(self, text: str) -> None:
        """Write the file that the first line names."""
        name = FILE.match(text)
        assert name, f"no file is named in the first line of:\n{text}"
        (self.folder / name[1]).write_text(text)

    def type(self, commands: str) -> str:
        """Run these commands in a shell, and keep what they have exported; what they print."""
        kept = self.folder / ".environment"
        done = subprocess.run(
            ["/bin/bash", "-c", f"{commands}\nenv -0 > {kept}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        pairs = (each.partition("=") for each in kept.read_text().split("\0") if each)
        self.environment = {name: value for name, _, value in pairs if name not in ("_", "SHLVL", "PWD", "OLDPWD")}
        kept.unlink()
        return done.stdout

    def repeat(self, block: Block) -> None:
        """Run these commands until they print what they should."""
        until = time.monotonic() + SECONDS
        while not fits(block.printed, printed := self.type(block.text)):
            assert time.monotonic() < until, told(block, printed, *self.logs())
            time.sleep(0.5)

    def open(self, name: str, block: Block) -> None:
        """Have these commands run on, and wait until they have printed what they should."""
        log = self.folder / f".{name}.log"
        with log.open("wb") as out:
            self.terminals[name] = subprocess.Popen(
                ["/bin/bash", "-c", block.text],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until = time.monotonic() + SECONDS
        while not fits(f"…{block.printed.strip()}…", log.read_text()):
            assert time.monotonic() < until, told(block, log.read_text())
            assert self.terminals[name].poll() is None, told(block, log.read_text())
            time.sleep(0.1)

    def logs(self) -> Iterator[str]:
        for name in self.terminals:
            yield f"--- {name}\n{(self.folder / f'.{name}.log').read_text()[-5000:]}"

    def stop(self) -> None:
        """Close the terminals, the last one first."""
        for process in reversed(self.terminals.values()):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def fits(wanted: str, printed: str) -> bool:
    """Whether this was printed; … stands for anything."""
    return re.fullmatch(".*?".join(map(re.escape, wanted.strip().split("…"))), printed.strip(), re.DOTALL) is not None


def told(block: Block, printed: str, *more: str) -> str:
    """What was done, what should have come of it, and what did."""
    return "\n".join((f"$ {block.text}", "--- should print", block.printed, "--- printed", printed, *more))
