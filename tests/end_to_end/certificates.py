"""Certificates made for one test run: a CA, and what it signs."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
KEY_IDENTIFIERS = "authorityKeyIdentifier = keyid\nsubjectKeyIdentifier = hash\n"


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA whose files lie in a folder."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """The CA's own."""
        return self.folder / "ca.pem"

    @classmethod
    def new(cls, folder: Path) -> "Authority":
        """Make one. Raises `FileNotFoundError` without openssl."""
        folder.mkdir(parents=True)
        made = cls(folder)
        _openssl(
            *(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=a CA of a test",
                "-addext",
                "keyUsage=critical,keyCertSign,cRLSign",
            ),
            *("-keyout", folder / "ca.key", "-out", made.certificate),
        )
        return made

    def sign(self, name: str, names: str, days: int = 2) -> tuple[Path, Path]:
        """A certificate for these names, as in `DNS:localhost`, and its key; less than no days make an expired one."""
        key, wanted, made = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        (self.folder / f"{name}.ext").write_text(f"subjectAltName = {names}\n{KEY_IDENTIFIERS}")
        _openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            f"/CN={name}",
            "-keyout",
            key,
            "-out",
            wanted,
        )
        _openssl(
            *("x509", "-req", "-in", wanted, "-CA", self.certificate, "-CAkey", self.folder / "ca.key"),
            *("-CAcreateserial", "-days", str(days), "-extfile", self.folder / f"{name}.ext", "-out", made),
        )
        return made, key


def _openssl(*words: str | Path) -> None:
    subprocess.run([shutil.which("openssl") or "openssl", *map(str, words)], check=True, capture_output=True)
