"""The chaos run: everything is killed, restarted and spoilt while messages flow, and nothing may be lost.

    plan.py      what happens when: kills, restarts, one flush; the same for the same seed
    script.py    what is published, and how its handlers misbehave
    handlers.py  those handlers
    faults.py    what the platforms do wrong: a tenth of their calls, in every way that the sandbox knows
    stage.py     the processes and the accounts
    run.py       the run itself
    evidence.py  what is known of every message at one moment
    verdict.py   what follows from it: lost, early, twice; pure
    figures.py   the run in lines of text

`make chaos`, or `python -m tests.end_to_end.chaos --help`, runs the long one; `test_chaos.py` a short one.
"""
