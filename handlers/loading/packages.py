"""Handlers that installed packages bring: what they name in the group `tidings.handlers` of their entry points.

[project.entry-points."tidings.handlers"]
orders = "shop_orders.handlers"              # a module, imported with everything inside it
stock = "shop_stock:registry"                # or a Registry in one, whose handlers are taken
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "tidings.handlers"


@cache
def installed() -> tuple[EntryPoint, ...]:
    """The entry points of all packages that are installed for this process, by package and name."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda each: (_package(each), each.name)))


def told(point: EntryPoint) -> str:
    """Which it is, for whoever has to mend it."""
    return f"the entry point {point.name} = {point.value!r} of {_package(point)} (group {GROUP})"


def _package(point: EntryPoint) -> str:
    dist = point.dist
    return f"the package {dist.name} {dist.version}" if dist else "a package without a name"
