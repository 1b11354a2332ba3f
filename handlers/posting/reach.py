"""Which addresses may be posted to.

A URL may come from others than who runs this, so what only they can reach is out of reach: this machine, its networks, the
cloud's metadata, Redis (the attack is known as server-side request forgery).

What a name leads to is asked once, looked at, and connected to: what it leads to a moment later does not matter.
"""

import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from handlers.errors import HandlersError
from handlers.posting.target import NAME

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Place = tuple[str, int]
"""A host and a port."""

METADATA = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))
"""What looks like anybody's address and is the cloud's own: Azure's, Oracle's. Others' are link-local, private or shared."""

NAT64 = ip_network("64:ff9b::/96")
REDIS_PORTS = {"amqp": 5672, "amqps": 5671, "pyamqp": 5672, "sentinel": 26379}
REDIS_VARIABLES = {"TIDINGS_REDIS_URL": "redis://127.0.0.1:6379", "TIDINGS_BROKER_URL": ""}

Left = Callable[[], float]
"""Seconds that are left, more than 0. Raises `TimeoutError` when there are none."""


class OutOfReach(Exception):
    """The host leads to nothing that may be posted to; the text says to what instead, and what allows it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What is allowed besides public addresses, by name and by network; `redis` is where state and broker are."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    redis: tuple[Place, ...] = ()
    variable: str = "TIDINGS_WEBHOOK_ALLOW"

    def connect(self, host: str, port: int, left: Left) -> socket.socket:
        """A connection to the first address of a host that may be reached and answers. Raises `OutOfReach` or `OSError`."""
        failure: OSError | None = None
        for address in self.addresses(host, port):
            try:
                made = socket.create_connection((address, port), left())
            except OSError as error:
                failure = error
            else:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return made
        raise failure or OSError("no address")

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be reached, as numbers. Raises `OutOfReach` when none may, `OSError` when none is."""
        return self._usable(host, port, list(_resolved(host, port)))

    def look_at(self, host: str, port: int) -> None:
        """Raise `OutOfReach` for an address, however it is spelled, that may not be posted to. Names are not asked for."""
        with suppress(OSError):
            self._usable(host, port, list(_resolved(host, port, socket.AI_NUMERICHOST)))

    def _usable(self, host: str, port: int, found: list[str]) -> list[str]:
        ours = self._of_redis(port)
        usable = [address for address in found if ip_address(address) not in ours and self._allows(host, address)]
        if found and not usable:
            raise OutOfReach(self._refusal(host, found[0], ours))
        return usable

    def _allows(self, host: str, address: str) -> bool:
        numeric = _inner(ip_address(address))
        return (
            host.rstrip(".") in self.hosts
            or any(each in network for each in {numeric, ip_address(address)} for network in self.networks)
            or _is_public(numeric)
        )

    def _of_redis(self, port: int) -> set[Address]:
        """Redis's addresses, if it is at this port."""
        names = {name for name, at in self.redis if at == port}
        return {ip_address(address) for name in names for address in _quietly(name, port)}

    def _refusal(self, host: str, address: str, ours: set[Address]) -> str:
        leads = address if address == host else f"{host} leads to {address}, which"
        if ip_address(address) in ours:
            return f"{leads} is Redis's own address"
        names = address if address == host else f"{host} or {address}"
        return f"{leads} is no public address: if it is meant, name {names} in {self.variable}"


def reach(allowed: Iterable[str], environ: Mapping[str, str], variable: str) -> Reach:
    """What a variable allows, each a host's name, an address or a network. Raises `HandlersError` for what is none."""
    hosts, networks = set(), []
    for each in allowed:
        try:
            networks.append(ip_network(each.strip("[]"), strict=False))
        except ValueError:
            if not NAME.fullmatch(each.lower()):
                raise HandlersError(
                    f"{variable}: {each!r} is neither a host's name, as shop.internal, nor a network, as 10.0.0.0/8"
                ) from None
            hosts.add(each.lower().rstrip("."))
    return Reach(frozenset(hosts), tuple(networks), tuple(redis_places(environ)), variable)


def redis_places(environ: Mapping[str, str]) -> Iterator[Place]:
    """Where the environment says that state and broker are, as far as it names hosts."""
    for variable, default in REDIS_VARIABLES.items():
        scheme = "redis"
        for each in re.split(r"[;,]", environ.get(variable) or default):
            scheme, _, rest = each.rpartition("://") if "://" in each else (scheme, "", each)
            try:
                parts = urlsplit(f"//{rest.rpartition('@')[2]}")
                place = (parts.hostname or "", parts.port or REDIS_PORTS.get(scheme, 6379))
            except ValueError:
                continue
            if place[0]:
                yield place


def _resolved(host: str, port: int, flags: int = 0) -> Iterator[str]:
    """A host's addresses, each once, in the system's order. Raises `OSError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError:
        raise OSError("no name of a host") from None
    yield from dict.fromkeys(str(each[4][0]) for each in found)


def _quietly(host: str, port: int) -> list[str]:
    try:
        return list(_resolved(host, port))
    except OSError:
        return []


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _is_public(address: Address) -> bool:
    special = address.is_multicast or address.is_reserved or any(address in network for network in METADATA)
    return address.is_global and not special
