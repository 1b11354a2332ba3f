"""What is installed against what was tested: the versions that this distribution itself asks for."""

from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

DISTRIBUTION = "tidings"


def untested() -> str:
    """In one line, what is installed that was not tested; "" when there is nothing, or this runs without being installed."""
    try:
        needs = [Requirement(line) for line in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        return ""
    always = [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    found = [(need, installed(need.name)) for need in always]
    return ", ".join(
        f"{need.name} {have or 'is missing'} (tested: {need.specifier or 'any'})"
        for need, have in found
        if not have or have not in need.specifier
    )


def installed(name: str) -> str:
    """The version of a distribution; "" when it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
