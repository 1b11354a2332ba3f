"""A process that a handler has forked, and that comes out of the handler as if it were the one that was called.

It has everything twice: the connections, the message, the place in the pool. So it ends where the handler ends.
"""

import os
import sys
import traceback
from contextlib import suppress
from typing import NoReturn


def end() -> NoReturn:
    """End this process as Python would have ended it: by what is being raised, or well."""
    error = sys.exception()
    with suppress(BaseException):  # a handler may have closed the way there
        if error is not None and not isinstance(error, SystemExit):
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
    code = error.code if isinstance(error, SystemExit) else int(error is not None)
    os._exit(code if isinstance(code, int) else int(code is not None))
