"""A broker that is no Redis: its address goes to Celery as it is, and is looked at before that."""

import re

from tasks.address.model import AddressError
from tasks.address.parsing import LOGIN, QUOTE, nameable, plain

AMQP = ("amqp", "amqps", "pyamqp", "librabbitmq")
HOST = re.compile(LOGIN + r"(?:\[[^\[\]@/?]*\]|(?P<host>[^\[\]@/?:]*))(?::\d*)?(?:/[^?@]*)?(?:\?[^?@]*)?")


def looked_at(url: str) -> None:
    """Raises `AddressError` when Celery could not use the address; shows no part of it."""
    from kombu import Connection
    from kombu.transport import TRANSPORT_ALIASES

    scheme = url.partition("://")[0].lower()
    if "://" not in url or scheme.partition("+")[0] not in TRANSPORT_ALIASES:
        raise AddressError("the address has to begin as one of Celery's brokers do, such as redis:// or amqp://")
    if scheme in AMQP:
        for each in re.split(rf";(?:(?:{'|'.join(AMQP)})://)?", url.partition("://")[2]):
            plain(each)
            match = HOST.fullmatch(each)
            if match is None:
                raise AddressError(f"it cannot be taken apart: {QUOTE}")
            if not nameable(match["host"] or ""):
                raise AddressError(f"the host has to be a name or an address; {QUOTE}")
    try:
        Connection(url)
    except ImportError as error:
        raise AddressError(f"this broker needs a package that is not installed: {error.name}") from None
    except Exception:
        raise AddressError(f"Celery cannot read it: {QUOTE}") from None
