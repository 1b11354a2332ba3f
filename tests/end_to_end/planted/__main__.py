"""The long way: `python -m tests.end_to_end.planted`, in both forms and at INFO and DEBUG unless options say which."""

import argparse
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

from tasks.sandbox.control import Control
from tasks.sandbox.process import running
from tests.end_to_end.planted.shop import WAYS
from tests.end_to_end.planted.stage import run
from tests.end_to_end.planted.verdict import hits, looked, no_json


def main() -> int:
    """Each run's verdict; 1 if something stands where it must not, or was not looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=5, help="messages a way of failing, of each platform")
    parser.add_argument("--log", choices=("json", "console"))
    parser.add_argument("--level", choices=("DEBUG", "INFO"))
    asked = parser.parse_args()
    ended = [
        one(asked.each, log, level)
        for log, level in product(
            (asked.log,) if asked.log else ("json", "console"), (asked.level,) if asked.level else ("DEBUG", "INFO")
        )
    ]
    return int(not all(ended))


def one(each: int, log: str, level: str) -> bool:
    """One run; whether all is well."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running("--lease", "8") as control:
        assert isinstance(control, Control)
        written = run(Path(folder), control, WAYS, each, log, level)
    wrong = [*looked(written), *hits(written), *(no_json(written) if log == "json" else ())]
    size = sum(map(len, (*written.logs.values(), *written.pages.values(), *written.redis.values(), written.traces)))
    keys, pages = len(written.redis), len(written.pages)
    tell = f"{log} {level}: {len(wrong)} hits in {size / 1e6:.1f} MB of logs, {keys} keys and {pages} pages"
    print(f"{tell}, {time.monotonic() - began:.0f} s", *wrong, sep="\n  ", flush=True)  # noqa: T201 - a command
    return not wrong


sys.exit(main())
