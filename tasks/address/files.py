"""What an address says for TLS, looked at where a process starts: OpenSSL does not say which of it it cannot use, and Redis would
look as if it were away."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.address.broker import Amqp
from tasks.address.model import Address, AddressError

FOLDER = "ssl_ca_path"
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", FOLDER)


def refuse_redis(address: Address) -> None:
    """Raises `AddressError` when a file that it names is not there, or OpenSSL cannot use what it says."""
    _refuse({name: address.tls[name] for name in FILES if name in address.tls}, address.tls)


def refuse_amqp(address: Amqp) -> None:
    """The same of RabbitMQ's."""
    lone = () if "certfile" in address.tls else ("keyfile",)  # which py-amqp passes over
    _refuse(address.files, {f"ssl_{name}": value for name, value in address.tls.items() if name not in lone})


def _refuse(files: Mapping[str, str], said: Mapping[str, Any]) -> None:
    for name, path in files.items():
        if not (Path(path).is_dir() if name == FOLDER else Path(path).is_file()):
            raise AddressError(f"there is no such {'folder' if name == FOLDER else 'file'} as {name} says")
    if said:
        from handlers import tls  # which takes pydantic along, and few need it

        for wrong in tls.faults(said):
            raise AddressError(wrong)
