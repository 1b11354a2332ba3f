"""Starts the program `tidings`; also by the path of this file, as `up` does for the processes that it runs."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run the command line."""
    from celery import maybe_patch_concurrency

    try:
        maybe_patch_concurrency()  # as Celery's own program does, before anything else is imported
    except ImportError as error:
        raise SystemExit(
            f"{error}; Tidings does not run with this pool either: leave -P out, or say -P threads"
        ) from None
    from tidings_cli.ours import own

    own("tasks")
    from tidings_cli.program import program
    from tidings_cli.streams import complete, tell_of_full

    complete()  # also where Python was not told by name what it is to run (-m)
    tell_of_full()

    program(prog_name="tidings", auto_envvar_prefix="CELERY")


if __name__ == "__main__":
    # Python has put this file's own folder first, where nobody should find modules, or nothing (-P).
    sys.path[:] = [each for each in sys.path if not each or Path(each).resolve() != HERE]
    if str(HERE.parent) not in sys.path:
        sys.path.append(str(HERE.parent))
    main()
