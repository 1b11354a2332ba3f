"""A Valkey with an ACL user of an awkward password, reached by tcp, TLS, a unix socket and through a sentinel."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from tasks.commands.processes.valkey import binary
from tests.ports import free_port

USER, PASSWORD = "shop:keeper", "p@ss:w/rd#?[]%&=;+ 中文"
SENTINEL_PASSWORD = "other/#@%41"
WHO = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"
DATABASE = 3
EVERYTHING = ("~*", "&*", "+@all")

SENTINEL = """
port {port}
bind 127.0.0.1
requirepass "{own}"
sentinel monitor main 127.0.0.1 {master} 1
sentinel auth-user main "{user}"
sentinel auth-pass main "{password}"
"""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they listen. `root` may do everything; the default user nothing."""

    port: int
    path: Path
    sentinel: int
    tls: int | None
    certificate: Path

    @property
    def root(self) -> str:
        return f"redis://root:root@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def addresses(self) -> dict[str, str]:
        """The dialects of the same Redis, by name."""
        own, dead = quote(SENTINEL_PASSWORD, safe=""), free_port()
        found = {
            "tcp": f"redis://{WHO}127.0.0.1:{self.port}/{DATABASE}",
            "unix": f"unix://{WHO}{quote(str(self.path))}?db={DATABASE}",
            "socket": f"redis+socket://{WHO}{self.path}?virtual_host={DATABASE}",
            "sentinel": f"sentinel://{WHO}127.0.0.1:{dead};sentinel://{WHO}127.0.0.1:{self.sentinel}/{DATABASE}"
            f"?master=main&sentinel_password={own}",
        }
        if self.tls:
            found |= {
                "tls": f"rediss://{WHO}127.0.0.1:{self.tls}/{DATABASE}?ssl_ca_certs={self.certificate}",
                "tls-celery": f"rediss://{WHO}localhost:{self.tls}/{DATABASE}?ssl_cert_reqs=CERT_NONE",
                "tls-redis": f"rediss://{WHO}localhost:{self.tls}/{DATABASE}?ssl_cert_reqs=none&ssl_check_hostname=no",
            }
        return found


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Start them, and let the user do everything."""
    port, sentinel, path = free_port(), free_port(), folder / "v@l.sock"
    with ExitStack() as stack:
        common = "--bind", "127.0.0.1", "--save", "", "--port", str(port)
        stack.enter_context(_running(folder / "valkey", *common, "--unixsocket", str(path)))
        _until_up(port)
        with Redis(port=port) as default:
            default.execute_command("ACL", "SETUSER", "root", "on", ">root", *EVERYTHING)
            default.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *EVERYTHING)
            default.execute_command("ACL", "SETUSER", "default", "off")
        configuration = folder / "sentinel.conf"
        told = {"port": sentinel, "master": port, "user": "root", "password": "root", "own": SENTINEL_PASSWORD}
        configuration.write_text(SENTINEL.format(**told))
        stack.enter_context(_running(folder / "sentinel", str(configuration), "--sentinel"))
        _until_up(sentinel, SENTINEL_PASSWORD)
        tls = stack.enter_context(_tls(folder, port)) if shutil.which("openssl") else None
        yield Servers(port, path, sentinel, tls, folder / "certificate.pem")


@contextmanager
def _running(folder: Path, *arguments: str) -> Iterator[None]:
    folder.mkdir()
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([binary(), *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


def _until_up(port: int, password: str | None = None) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            with Redis(port=port, password=password) as redis:
                redis.ping()
                return
        except RedisError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextmanager
def _tls(folder: Path, behind: int) -> Iterator[int]:
    """A port that takes TLS and passes on to the one behind: the embedded Valkey has no TLS of its own."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    name = "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"
    usage = "-addext", "keyUsage=critical,digitalSignature,keyCertSign"
    made = "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name, *usage
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, context, behind), daemon=True).start()
        yield int(listening.getsockname()[1])


def _serve(listening: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_pass_on, args=(listening.accept()[0], context, behind), daemon=True).start()


def _pass_on(raw: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    there = ("127.0.0.1", behind)
    with suppress(OSError), context.wrap_socket(raw, server_side=True) as near, socket.create_connection(there) as far:
        threading.Thread(target=_copy, args=(far, near), daemon=True).start()
        _copy(near, far)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65536):
            target.sendall(some)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
