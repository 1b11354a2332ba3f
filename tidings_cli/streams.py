"""Standard streams that are closed, as a service manager or `>&-` leaves them, are there all the same and lead nowhere.

Python has None in their place, which whoever writes trips over; and the next file or socket that is opened gets the number of the
one that is missing, so that what a library prints goes into it. One that takes no more, as on a full disk, is told in a line.
"""

import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a disk answers that takes no more."""

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def complete() -> None:
    """Open those that are closed."""
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            os.set_inheritable(opened, True)
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - open as long as this process
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def tell_of_full() -> None:
    """Have Python say in one line that what a command prints cannot be written."""
    told = sys.excepthook

    def tell(kind: type[BaseException], error: BaseException, trace: "TracebackType | None") -> None:
        if isinstance(error, OSError) and error.errno in FULL and _printing(trace):
            sys.stderr.write(f"Error: what was to be printed cannot be written: {error.strerror}\n")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes what is left as it ends
        else:
            told(kind, error, trace)

    sys.excepthook = tell


def _printing(trace: "TracebackType | None") -> bool:
    """Whether it was raised where click prints."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_name == "echo"
