"""What `check` concludes from what it found."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from tasks.accounts import Accounts, TaobaoGateway
from tasks.commands.check.finding import Finding, fail, ok
from tasks.commands.check.redis import clocks, judged, waiting
from tasks.commands.check.rights import BOTH, STATE, commands
from tasks.commands.check.setup import accounts_findings, fitting
from tasks.commands.sentences import Said, Sentence
from tasks.settings import settings
from tests import ROOT

GOOD: dict[str, Any] = {"redis_version": "7.2.4", "aof_enabled": 1, "maxmemory_policy": "noeviction", "role": "master"}


def worst(findings: list[Finding]) -> list[str]:
    return [f"{finding.level} {finding.text}" for finding in findings if finding.level != "OK"]


def test_a_good_redis_has_nothing_against_it() -> None:
    assert worst(list(judged("redis://h", GOOD))) == []


@pytest.mark.parametrize(
    ("flaw", "level", "word"),
    [
        ({"redis_version": "6.0.16"}, "FAIL", "version 6.0.16"),
        ({"cluster_enabled": 1}, "FAIL", "Cluster"),
        ({"role": "slave"}, "FAIL", "replica"),
        ({"aof_enabled": 0}, "WARN", "append-only file is off"),
        ({"maxmemory_policy": "allkeys-lru"}, "WARN", "allkeys-lru"),
    ],
)
def test_each_flaw_of_a_redis_is_named_alone_with_what_to_do(flaw: dict[str, Any], level: str, word: str) -> None:
    found = [finding for finding in judged("redis://h", {**GOOD, **flaw}) if finding.level != "OK"]
    assert [finding.level for finding in found] == [level]
    assert word in found[0].text
    assert found[0].todo


@pytest.mark.parametrize("version", ["6.2.0", "6.10.1", "7.0.15", "10.0.0-rc1"])
def test_versions_are_compared_by_number(version: str) -> None:
    assert worst(list(judged("redis://h", {**GOOD, "redis_version": version}))) == []


def test_each_clock_that_is_off_is_a_line_with_what_to_do() -> None:
    assert [finding.level for finding in clocks([])] == ["OK"]
    off = Said(Sentence.CLOCK_AHEAD, {"whose": Said(Sentence.THIS_MACHINES), "seconds": 25})
    [warned] = clocks([(off, Said(Sentence.SET_MACHINE))])
    assert (warned.level, warned.about) == ("WARN", "clock")
    assert warned.text == "this machine's clock is 25 s ahead of Redis's"
    assert "NTP" in warned.todo


@pytest.mark.parametrize(("hidden", "levels"), [(6.0, ["OK"]), (10.0, ["FAIL"]), (240.0, ["FAIL"])])
def test_tasks_must_not_stay_hidden_longer_than_the_shortest_lease(hidden: float, levels: list[str]) -> None:
    assert [finding.level for finding in fitting(leased(10), hidden, 3)] == levels


def test_a_lease_that_shortens_handlers_is_told_with_the_time_they_have() -> None:
    found = [finding for finding in fitting(leased(10), 6, 60) if finding.level == "WARN"]
    assert [finding.text for finding in found] == ["tb: under a lease of 10 s a handler has 4 s"]


def test_without_gateways_there_is_nothing_to_say_of_leases() -> None:
    assert list(fitting(Accounts({}, {}), 6, 60)) == []


@pytest.mark.parametrize(("letters", "replies", "levels"), [(0, 0, ["OK"]), (3, 0, ["WARN"]), (3, 1, ["WARN", "WARN"])])
def test_dead_letters_are_warned_of_with_the_command_that_shows_them(
    letters: int, replies: int, levels: list[str]
) -> None:
    found = list(waiting(letters, replies))
    assert [finding.level for finding in found] == levels
    assert all("celery -A tasks letters list" in finding.todo for finding in found if finding.level == "WARN")


def test_a_line_says_what_to_do_below_what_is_wrong() -> None:
    assert str(ok("redis", "it answers")) == "OK    redis     it answers"
    assert str(fail("redis", "it is gone", "start it")) == f"FAIL  redis     it is gone\n{'':<15} to do: start it"


def leased(seconds: float) -> Accounts:
    """Accounts behind one gateway with such a lease."""
    gateway = TaobaoGateway(name="tb", app_key="1", app_secret=SecretStr("invented"), lease_seconds=seconds)
    return Accounts({"tb": gateway}, {})


def test_every_command_that_a_store_sends_is_tried() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "tasks/store").rglob("*") if path.suffix in (".py", ".lua")]
    sent = {name for text in sources for name in re.findall(r"redis\.p?call\(['\"](\w+)", text)}
    sent |= {
        name for text in sources for name in re.findall(r"\.(\w+)\(", text) if hasattr(Redis, name) and name[0] != "_"
    }
    ours = {"append", "close", "execute_command", "lock", "master_for", "pipeline", "pubsub", "register_script"}
    sent -= ours | {"transaction"}
    renamed = {"DELETE": "DEL"}
    missing = {renamed.get(name.upper(), name.upper()) for name in sent} - {words[0] for words in commands(BOTH, STATE)}
    assert not missing, f"put these into tasks/commands/check/rights.py: {missing}"


@pytest.mark.parametrize(
    ("secret", "todo"),
    [
        ("env:NOBODY_SETS_THIS", "set it where workers are started"),
        ("file:gone", "set it where workers are started"),
        ("", "correct "),
        (None, "`celery -A tasks sandbox accounts` prints one"),
    ],
)
def test_a_fault_of_the_accounts_says_what_mends_it(
    secret: str | None, todo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "accounts.toml"
    if secret is not None:
        file.write_text(
            f'[gateways.qm]\nplatform = "qianmi"\napp_key = "1"\napp_secret = "{secret}"\n'
            '[accounts.shop]\ngateway = "qm"\n'
        )
    monkeypatch.setenv("TIDINGS_ACCOUNTS", str(file))
    settings.cache_clear()
    try:
        (finding,) = accounts_findings()
    finally:
        settings.cache_clear()
    assert todo in finding.todo
