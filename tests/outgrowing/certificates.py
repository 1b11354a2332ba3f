"""An authority of the run's own, and certificates of it: right ones and wrong ones. Made by openssl, kept in a folder."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ADDRESS = "IP:127.0.0.1,DNS:localhost"
ELSEWHERE = "DNS:elsewhere.example"
DAYS = 2


@dataclass(frozen=True, slots=True)
class Certificate:
    """Its file, and its key's."""

    file: Path
    key: Path


def missing() -> str:
    """Why none can be made here; "" if they can."""
    return "" if shutil.which("openssl") else "openssl is not on this machine"


class Authority:
    """One that signs certificates; `file` is what its users trust."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.file, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        folder.mkdir(parents=True, exist_ok=True)
        usage = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        own = ["-x509", "-subj", f"/CN={name}", "-days", str(DAYS), *usage]
        self._openssl("req", *own, *_new(self._key), "-out", str(self.file))

    def sign(self, name: str, names: str = ADDRESS, *, days: int = DAYS) -> Certificate:
        """A certificate for these names; one of less than no days is out of date."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extra = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extra.write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        self._openssl("req", "-subj", f"/CN={name}", *_new(made.key), "-out", str(request))
        by = ["-CA", str(self.file), "-CAkey", str(self._key), "-CAcreateserial", "-extfile", str(extra)]
        self._openssl("x509", "-req", "-in", str(request), *by, "-days", str(days), "-out", str(made.file))
        return made

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self._folder)  # noqa: S607


def _new(key: Path) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key)]
