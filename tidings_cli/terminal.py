"""What a terminal cannot show is written as an escape.

Names, reasons and contents come from outside: an emoji must not end a command where the terminal speaks GBK or ASCII, nor half a
character (a lone surrogate, which JSON can bring) where it speaks UTF-8.
"""

import io
import sys


def forgiving() -> None:
    """Let standard output and error of this process show everything. Nothing changes when it was done before."""
    for stream in {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__}:
        if isinstance(stream, io.TextIOWrapper) and stream.errors != "backslashreplace":
            stream.reconfigure(errors="backslashreplace")
