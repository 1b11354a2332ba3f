"""A `Registry` of somebody's own in a module of handlers, which nothing looks into: its handlers would never be called."""

import sys
from collections.abc import Iterable, Iterator

from handlers.registry import Registry, registry


def aside(modules: Iterable[str]) -> Iterator[str]:
    """What is to be said of each that has handlers, in these modules and those inside of them, as they were imported."""
    called, told = set(registry), list[Registry]()
    for module in modules:
        for name in sorted(each for each in list(sys.modules) if f"{each}.".startswith(f"{module}.")):
            for variable, found in list(getattr(sys.modules[name], "__dict__", {}).items()):
                if not issubclass(type(found), Registry) or found in told:
                    continue
                if not (there := list(found)) or called & {*there}:
                    continue
                told.append(found)
                also = f" and {len(there) - 1} more" if len(there) > 1 else ""
                yield (
                    f"{name}.{variable} is a Registry of its own, which nobody looks into: {there[0]}{also} will not be called; "
                    f"write `from handlers import handles`, or `handlers.registry.registry.include({variable})` below it"
                )
