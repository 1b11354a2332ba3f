"""A process that code of the user's has forked, and that comes out of it as if it were the one that was called.

It has everything twice: the connections, the message, the place in the pool. So it ends where that code ends.
"""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def inside(context: Context, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it in a context, where the variables that it sets stay; a process that it forks ends here."""
    return guarded(lambda: context.run(function, *args, **kwargs))


def guarded(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it; a process that it forks ends here."""
    own = os.getpid()
    try:
        return function(*args, **kwargs)
    finally:
        if os.getpid() != own:
            end()


def end() -> NoReturn:
    """End this process as Python would have ended it: by what is being raised, or well."""
    error = sys.exception()
    if isinstance(error, StopIteration):  # a generator's end
        error = None
    with suppress(BaseException):  # a handler may have closed the way there
        if error is not None and not isinstance(error, SystemExit):
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
    code = error.code if isinstance(error, SystemExit) else int(error is not None)
    os._exit(code if isinstance(code, int) else int(code is not None))
