"""Polls of a platform that has little to say and takes its time: how many a second, and what each costs.

`python -m tests.bench.polls`: a platform that answers every pull, empty, after 80 ms; 3,000 accounts every 3 s; beat beside a
plain worker, then beside a pull worker; a bare loop of signed calls as the measure of the machine.
"""
