"""A platform whose clock is not ours: told, shown, and called all the same."""

from pathlib import Path

import pytest

from tasks import consume, runtime
from tasks.calling.watching import look
from tasks.commands.status import status
from tasks.runtime import Stores
from tasks.sandbox.control import Control
from tests.integration.commands.running import run

ACCOUNTS = """
[gateways.tb]
platform = "taobao"
app_key = "12345678"
app_secret = "env:TB_SECRET"
url = "{url}"
[gateways.qm]
platform = "qianmi"
app_key = "10000001"
app_secret = "env:TB_SECRET"
url = "{url}"
[accounts.taobao]
gateway = "tb"
poll = {{ min = 1, max = 1 }}
[accounts.qianmi]
gateway = "qm"
poll = {{ min = 1, max = 1 }}
"""


@pytest.fixture(params=["taobao", "qianmi"])
def name(request: pytest.FixtureRequest, tidings: Stores, tmp_path: Path, sandbox: Control) -> str:
    """An account of each platform that looks at timestamps."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS.format(url=sandbox.url))
    tidings.due.seed({"taobao": 0, "qianmi": 0})
    found: str = request.param
    return found


@pytest.mark.parametrize("ahead", [-1500, 30_000])
def test_a_platform_that_refuses_our_time_is_called_by_its_own(
    name: str, ahead: int, tidings: Stores, sandbox: Control
) -> None:
    sandbox.switches(clock_ahead=ahead)
    sandbox.publish(name, [{"topic": "t", "content": {}}])
    consume.consume(name)
    assert not any(tidings.pauses.get(name, runtime.accounts().accounts[name].gateway.name)), "nobody has to act"
    consume.consume(name)
    assert tidings.tally.read_many([name], now=tidings.clock.now())[name]["pulled"] == 1
    assert "! 127.0.0.1's clock is " in run(status).out


def test_a_platform_whose_clock_is_off_is_told_once_and_shown_until_it_is_right(
    name: str, tidings: Stores, sandbox: Control, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.switches(clock_ahead=240)
    for _ in range(3):
        consume.consume(name)
    told = [record.message for record in caplog.records if "s clock is" in record.message]
    assert len(told) == 1
    assert "ahead of Redis's: set the clock of Redis's machine by NTP" in told[0]
    assert run(status).code == 1
    assert 230 < tidings.platform_clocks.read()["127.0.0.1"] <= 240
    sandbox.switches(clock_ahead=0)
    consume.consume(name)
    assert tidings.platform_clocks.read() == {}
    look(sandbox.url)
