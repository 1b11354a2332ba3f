"""The whole job over a unix socket, as a user with an awkward password and with the least rights that the docs name."""

from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis

from tasks.sandbox.control import Control
from tests.end_to_end.installation import Installation
from tests.end_to_end.test_main_job import ACCOUNTS, confirms, publish
from tests.integration.addresses.servers import DATABASE, PASSWORD, USER, servers
from tests.integration.commands.test_check_rights import least

COUNTED = """
[accounts.counted]
gateway = "tb"
group = "g2"
session = "env:SHOP_SESSION"
[accounts.counted.counter]
topics = ["trade"]
user_ids = ["11"]
"""
SECRETS = ("TB_SECRET", "QM_SECRET", "VV_TOKEN", "SHOP_SESSION")
"""Beat is started without them, as in `deploy`: it calls no platform."""

COMMANDS = (
    ["status"],
    ["accounts", "pause", "taobao-g1"],
    ["letters", "list"],
    ["inspect", "stats"],
    ["inspect", "conf"],
    ["report"],
)


@pytest.mark.timeout(300)
def test_worker_beat_and_commands_do_all_their_work_with_the_least_rights_and_show_no_secret(
    tmp_path: Path, sandbox: Control
) -> None:
    rules = [rule.replace("/0.", f"/{DATABASE}.") for rule in least()]
    with servers(tmp_path) as started:
        (home := tmp_path / "home").mkdir()
        running = Installation(home, started.addresses["unix"], sandbox)
        running.configure(ACCOUNTS + COUNTED)
        root = Redis.from_url(started.root, decode_responses=True)
        root.acl_setuser(USER, enabled=True, reset=True, passwords=[f"+{PASSWORD}"])
        root.execute_command("ACL", "SETUSER", USER, *rules)  # type: ignore[no-untyped-call]
        publish(running, 20)
        try:
            running.start("worker", "worker", "-l", "INFO", "-n", "worker@%h")  # with gossip and mingle, as users do
            running.env |= dict.fromkeys(SECRETS, "")
            running.beat()
            for name in SECRETS:
                del running.env[name]
            running.until(lambda: len(running.handled()) == 80, 60, "every message is handled")
            running.until(lambda: all(message["confirmed"] for message in confirms(running)), 30, "all confirmed")
            assert "OK    redis     its user may do what workers do" in said(running, "check")
            for command in COMMANDS:
                said(running, *command)
            assert "NOPERM" not in running.logs()
            assert "no permissions" not in running.logs()
            assert "SECRET" not in running.log("beat").read_text()
        finally:
            running.stop()
        denied = {(line["reason"], line["object"]) for line in root.acl_log()}
        root.close()
    assert not denied
    assert quote(PASSWORD, safe="") not in running.logs()


def said(running: Installation, *command: str) -> str:
    """What a command prints."""
    done = running.run(*command)
    told = done.stdout + done.stderr
    for secret in (PASSWORD, quote(PASSWORD, safe=""), PASSWORD[:6], quote(PASSWORD, safe="")[:8]):
        assert secret not in told, command
    if "Traceback" in told or (done.returncode and command[0] not in ("check", "status")):
        pytest.fail(f"{command}: {told}")
    return told
