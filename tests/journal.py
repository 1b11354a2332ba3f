"""Files that handlers append to while a test reads them."""

from pathlib import Path


def whole_lines(path: Path) -> list[str]:
    """The lines that stand there whole; what is being written may be seen in part. None where there is no file yet."""
    if not path.exists():
        return []
    text = path.read_bytes()
    return text[: text.rfind(b"\n") + 1].decode().splitlines()
