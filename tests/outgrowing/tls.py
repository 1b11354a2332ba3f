"""Redis behind TLS that asks for certificates of its clients; its own changes under way, to a right one and to a wrong one."""

import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasks.commands.group import Unusable
from tasks.commands.processes import Processes, children
from tasks.commands.processes.stopping import Stopping
from tasks.commands.processes.valkey import free_port
from tasks.sandbox.control import Control
from tests.outgrowing import certificates
from tests.outgrowing.certificates import ELSEWHERE, Authority, Certificate
from tests.outgrowing.run import IN_HAND, Run, Trial
from tests.outgrowing.server import Server
from tests.outgrowing.stage import RunStage

WRONG_SECONDS = 25.0
"""Longer than the lease."""

CHECK_SECONDS = 90.0


class Tls(Trial):
    """State, broker and results by `rediss://`. What ran when connections were refused may be handled once more."""

    name = "tls"
    lease = 20.0  # a process connects several times before its first message
    most_twice = 3 * IN_HAND  # three wrong ones; where a right one is shown, what has no answer yet is sent again
    limit = 300.0

    def missing(self) -> str:
        """A server that knows TLS, and openssl."""
        if shutil.which("redis-server") is None:
            return (
                "Valkey as it is installed here has no TLS, and there is no redis-server (Debian package redis-server)"
            )
        return certificates.missing()

    def stage(self, folder: Path, processes: Processes, stopping: Stopping, control: Control) -> RunStage:
        """A server that speaks TLS, and beside that to us as ever."""
        self.ours, self.others = Authority(folder / "ours", "ours"), Authority(folder / "others", "others")
        self.right, self.client = self.ours.sign("server"), self.ours.sign("client")
        self.port = free_port()
        options = {
            "tls-port": str(self.port),
            "tls-cert-file": str(self.right.file),
            "tls-key-file": str(self.right.key),
            "tls-ca-cert-file": str(self.ours.file),
            "tls-auth-clients": "yes",
        }
        program = shutil.which("redis-server") or ""
        server = Server(folder / "redis", free_port(), options=options, program=program)
        return RunStage(folder, processes, stopping, control, server=server, url=self.url(), lease=self.lease)

    def url(self, trusted: Path | None = None, client: Certificate | None = None, *, bare: bool = False) -> str:
        """The address: with what we trust, and what we show unless it is `bare`."""
        shown = client or self.client
        mine = "" if bare else f"&ssl_certfile={shown.file}&ssl_keyfile={shown.key}"
        return f"rediss://127.0.0.1:{self.port}/0?ssl_ca_certs={trusted or self.ours.file}{mine}"

    def trouble(self, run: Run) -> None:
        """Wrong addresses by the side; then the server's certificate changes."""
        self._refused(run)
        with run.deed("valkey: its certificate is renewed"):
            self._show(run, self.ours.sign("renewed"))
        run.goes_on()
        run.wait(5)
        wrong = {
            "another host's": self.ours.sign("elsewhere", ELSEWHERE),
            "out of date": self.ours.sign("late", days=-1),
            "of an authority that nobody knows": self.others.sign("foreign"),
        }
        for what, certificate in wrong.items():
            with run.deed(f"valkey: its certificate is {what}"):
                self._show(run, certificate)
                run.wait(WRONG_SECONDS)
                self._show(run, self.right)
            run.notes.append(f"{what}: goes on {run.goes_on():.1f} s after the right one is back")
            run.wait(3)
        for line in sorted({line.partition("beat: ")[2][:230] for line in run.stage.said("beat: Redis")}):
            run.notes.append(f"beat says: {line}")

    def _show(self, run: Run, certificate: Certificate) -> None:
        """The server shows another certificate, and everybody has to connect anew."""
        with run.stage.server.client() as redis:
            files = ("tls-cert-file", str(certificate.file), "tls-key-file", str(certificate.key))
            redis.execute_command("CONFIG", "SET", *files)
            redis.client_kill_filter(_type="normal", skipme=True)
            redis.client_kill_filter(_type="pubsub", skipme=True)

    def _refused(self, run: Run) -> None:
        """What `check` says of addresses that cannot work: each has to be refused, with what mends it. All at once, as a process
        takes its time to start."""
        foreign = self.others.sign("stranger")
        addresses = {
            "an authority of others": (self.url(self.others.file), "ssl_ca_certs="),
            "a client's certificate of others": (self.url(client=foreign), "ssl_certfile="),
            "no client's certificate": (self.url(bare=True), "ssl_certfile="),
            "no TLS": (f"redis://127.0.0.1:{self.port}/0", "rediss://"),
        }
        with ThreadPoolExecutor(len(addresses)) as checks:
            found = {what: checks.submit(checked, run, *address) for what, address in addresses.items()}
        run.notes += [f"check, {what}: {said.result()}" for what, said in found.items()]


def checked(run: Run, url: str, remedy: str) -> str:
    """How long `check` took, and the line that it says of this Redis. Raises `Unusable` where it finds nothing wrong, or says
    nothing of this remedy."""
    env = {**run.stage.environment(), "TIDINGS_REDIS_URL": url}
    began = time.monotonic()
    done = subprocess.run(
        children.celery("check"),
        env=env,
        cwd=run.folder,
        capture_output=True,
        text=True,
        timeout=CHECK_SECONDS,
        check=False,
    )
    took = time.monotonic() - began
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    found = [
        f"{line} {after}" for line, after in zip(lines, [*lines[1:], ""], strict=True) if line.startswith("FAIL redis")
    ]
    if not done.returncode or not found or remedy not in found[0]:
        raise Unusable(f"check does not refuse {url} with {remedy}: {done.stdout}{done.stderr}")
    return f"{took:.0f} s, {found[0]}"
