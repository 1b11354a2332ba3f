"""How the processes of a pool end, where a signal to their whole group is the main process's to answer."""

import subprocess
import sys
from pathlib import Path

REPLACED = """
import os, signal, sys, time
from billiard import pool
from tasks.plumbing import group_signals

real = time.sleep

def longer(seconds):
    if seconds == 1:  # what a process that is done with waits for: to be ended
        real(25)
        open(sys.argv[1], "a").write("nobody ended it\\n")
    real(seconds)

def begin():
    group_signals.leave_it_to_the_main_process()
    pool.time.sleep = longer

def work(number):
    return number

group_signals.end_children_by_another_signal()
made = pool.Pool(1, initializer=begin, maxtasksperchild=1)
assert [made.apply(work, (number,)) for number in range(3)] == [0, 1, 2]
idled = os.path.exists(sys.argv[1])
for process in made._pool:
    os.kill(process.pid, signal.SIGKILL)
os._exit(idled)
"""


def test_a_process_that_is_replaced_after_so_many_tasks_is_ended_at_once(tmp_path: Path) -> None:
    """Each idled for a second, and its place with it: 50 messages at 3 a process took 45 s in place of 9."""
    told = tmp_path / "told"
    argv = [sys.executable, "-c", REPLACED, str(told)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
