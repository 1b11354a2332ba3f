"""Whose a Redis is: whether this process may work with the installation that it finds there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Installation:
    """What a Redis says of the installation in it: a random id, and the folder of the `up` that keeps it, "" for none."""

    id: str
    home: str = ""

    def __str__(self) -> str:
        return f"{self.id} in {self.home}" if self.home else self.id


def not_ours(address: str, expected: str, found: Installation | None) -> str:
    """Why the installation at an address is not the one with the id `expected`; "" when it is, or none is there yet."""
    if found is None or found.id == expected:
        return ""
    return (
        f"{address} belongs to another installation ({found}) than the one that is meant here ({expected}): "
        "start yours with `up`, or set TIDINGS_REDIS_URL to its address"
    )


def somebodys(address: str, home: str, found: Installation | None) -> str:
    """Why an installation must not be taken for ours that is found where nobody has said to look; "" when it may."""
    if found is None or found.home in ("", home):
        return ""
    return (
        f"{address} belongs to the installation in {found.home}, and nothing here says that it is meant: go to its folder, "
        "start another one with `up`, or set TIDINGS_REDIS_URL"
    )


def asleep(home: str) -> str:
    """Why nothing is to be had of an installation whose `up` does not run."""
    return f"the installation in {home} does not run: start it with `up`, or set TIDINGS_REDIS_URL"
