"""How Tidings is reached from outside: the program `tidings`, the commands in Celery's command line, the fixture in pytest's.

Nothing here imports `tasks` before it is asked for: other applications of the same environment load these as well, and may
have a module `tasks` of their own.
"""

import sys

from tidings_cli.quiet import is_asked_for_us, quiet
from tidings_cli.streams import complete, tell_of_full

if is_asked_for_us(sys.argv):  # before anything else is imported
    quiet()
    complete()
    tell_of_full()
    from tidings_cli.hangup import begin_again

    begin_again()
