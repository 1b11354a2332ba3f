"""Several RabbitMQ nodes in one address: where the first one hangs, who sends goes on to the next."""

import os
import socket
import subprocess
import sys
from pathlib import Path

SENDER = """
from tasks import app
app.conf.broker_connection_timeout = 0.5
app.send_task("tidings.consume", ["shop"], {}, ignore_result=True)
"""
START_SECONDS = 60.0


def test_who_sends_goes_on_to_the_next_node_where_the_first_one_hangs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        nodes = [f"amqp://guest:guest@127.0.0.1:{node.getsockname()[1]}//" for node in (first, second)]
        (tmp_path / "accounts.toml").write_text("")
        env = {
            **os.environ,
            "TIDINGS_BROKER_URL": ";".join(nodes),
            "TIDINGS_ACCOUNTS": str(tmp_path / "accounts.toml"),
        }
        sender = subprocess.Popen([sys.executable, "-c", SENDER], env=env, stderr=subprocess.PIPE)
        try:
            second.settimeout(START_SECONDS)
            second.accept()[0].close()
        finally:
            sender.kill()
            sender.communicate()
