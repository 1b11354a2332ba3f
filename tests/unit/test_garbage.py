"""What the garbage collector looks at."""

import subprocess
import sys

from tasks import garbage

LOOKS = """
import gc
from tasks.plumbing import starting
from celery.signals import worker_process_init
gc.set_threshold({}, 5, 5)
before = gc.get_freeze_count()  # Python 3.12 begins with some
worker_process_init.send(None)
print(gc.get_freeze_count() > before + 10_000, *gc.get_threshold())
"""


def after(threshold: int) -> str:
    """What a worker's process prints as it begins, in which the collector looked after so many objects before."""
    return subprocess.check_output([sys.executable, "-c", LOOKS.format(threshold)], text=True).strip()


def test_what_is_there_is_left_alone_and_the_rest_looked_at_seldom() -> None:
    assert after(700) == f"True {garbage.SELDOM} 5 5"


def test_who_has_it_look_more_seldom_or_not_at_all_is_obeyed() -> None:
    assert after(90_000) == "True 90000 5 5"
    assert after(0) == "True 0 5 5"
