"""`size`: what it tells people and scripts, and what it refuses."""

import json
import re

import pytest

from tasks.commands.size import size
from tests import ROOT
from tests.integration.commands.running import run

SHOPS = ("--accounts", "20000", "--messages-per-day", "3e6")


def test_people_read_what_to_start() -> None:
    said = run(size, *SHOPS)
    assert said.code == 0
    for text in (
        "20,000 accounts",
        "pull worker",
        "-Q consume,confirm -P threads",
        "handle worker",
        "2 beats",
        "maxmemory",
        "Cores are those of a virtual machine",
    ):
        assert text in said.out


def test_what_another_machine_needed_is_what_the_page_says() -> None:
    said, page = run(size, *SHOPS).out, (ROOT / "docs" / "sizing.md").read_text()
    (told,) = re.findall(r"another one needed (\S+ to \S+) of them", said)
    assert re.search(rf"on another one, costs\s+were {told} of these", page)


def test_scripts_get_the_same_as_json() -> None:
    found = json.loads(run(size, *SHOPS, "--json").out)
    assert found["load"]["accounts"] == 20_000
    assert found["beat"]["workers"] == 2
    assert f"{found['calls_per_day']:,.0f} calls a day" in run(size, *SHOPS).out


def test_without_a_quota_json_says_null() -> None:
    assert json.loads(run(size, *SHOPS, "--json").out, parse_constant=pytest.fail)["load"]["calls_per_day"] is None


def test_a_smaller_quota_lets_messages_wait_longer() -> None:
    free, bound = (json.loads(run(size, *SHOPS, *more, "--json").out) for more in ((), ("--calls-per-day", "1000000")))
    assert bound["wait"] > 10 * free["wait"]
    assert bound["calls_per_day"] == pytest.approx(1e6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--accounts", "0"), "--accounts"),
        (("--poll-min", "10", "--poll-max", "5"), "--poll-max must be --poll-min or more: 5 is less than 10"),
        (("--handler-cpu-ms", "6"), "--handler-cpu-ms cannot be more than --handler-ms"),
        (("--calls-per-day", "1000"), "1,000 calls cannot bring and confirm 3,000,000 messages"),
        (("--peak", "0.5"), "--peak"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], said: str) -> None:
    found = run(size, *SHOPS, *words)
    assert found.code == 2
    assert said in found.err
