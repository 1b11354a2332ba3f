"""Hosts as network namespaces on one bridge. A host that is cut off hears of nothing: packets are dropped."""

import os
import shutil
import subprocess
from collections.abc import Sequence

PROGRAMS = ("ip", "bridge")
"""Of Debian's iproute2."""

FORWARDING, DISABLED = "3", "0"
"""States of a bridge's port, as `bridge link set` takes them."""


def missing() -> str:
    """Why there can be no hosts here; "" if there can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"{', '.join(lacking)} is not on this machine (Debian package iproute2)"
    network = Network()
    try:
        network.open()
        network.add("probe")
    except OSError as error:
        return f"network namespaces are not allowed here, or only for root: {error}"
    finally:
        network.close()
    return ""


class Network:
    """A bridge on which this machine has the address `.1`, and hosts that are added to it."""

    def __init__(self) -> None:
        self._mark = f"td{os.getpid() % 100_000}"
        self._net = f"10.231.{os.getpid() % 250}"
        self._hosts: list[str] = []

    @property
    def here(self) -> str:
        """The address of this machine."""
        return f"{self._net}.1"

    def open(self) -> None:
        """Make the bridge. Raises `OSError` where that is not allowed."""
        run("ip", "link", "add", self._bridge, "type", "bridge")
        run("ip", "address", "add", f"{self.here}/24", "dev", self._bridge)
        run("ip", "link", "set", self._bridge, "up")

    def add(self, name: str) -> str:
        """Add a host; its address."""
        self._hosts.append(name)
        number, inside = len(self._hosts), f"{self._mark}-i"
        address = f"{self._net}.{number + 1}"
        run("ip", "netns", "add", self._space(name))
        run("ip", "link", "add", self._port(name), "type", "veth", "peer", "name", inside)
        run("ip", "link", "set", inside, "netns", self._space(name), "name", "eth0")
        run("ip", "link", "set", self._port(name), "master", self._bridge, "up")
        for words in (("address", "add", f"{address}/24", "dev", "eth0"), ("link", "set", "eth0", "up"), LOOPBACK):
            run("ip", "-n", self._space(name), *words)
        return address

    def behind(self, name: str) -> Sequence[str]:
        """The beginning of a command that runs on a host."""
        return ("ip", "netns", "exec", self._space(name))

    def cut(self, name: str) -> None:
        """From now on nothing reaches a host or leaves it, and nobody is told."""
        run("bridge", "link", "set", "dev", self._port(name), "state", DISABLED)

    def join(self, name: str) -> None:
        """The host is there again."""
        run("bridge", "link", "set", "dev", self._port(name), "state", FORWARDING)

    def close(self) -> None:
        """Take it all away; what runs on the hosts has to have ended."""
        for name in self._hosts:
            subprocess.run(["ip", "netns", "delete", self._space(name)], check=False, capture_output=True)  # noqa: S607
            subprocess.run(["ip", "link", "delete", self._port(name)], check=False, capture_output=True)  # noqa: S607
        subprocess.run(["ip", "link", "delete", self._bridge], check=False, capture_output=True)  # noqa: S607
        self._hosts.clear()

    @property
    def _bridge(self) -> str:
        return f"{self._mark}-br"

    def _space(self, name: str) -> str:
        return f"{self._mark}-{name}"

    def _port(self, name: str) -> str:
        return f"{self._mark}-{name}"[:15]


LOOPBACK = ("link", "set", "lo", "up")


def run(*words: str) -> None:
    """Run one command. Raises `OSError` with its own words when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip() or f"{words[0]} failed")
