"""How fast messages go from platform to confirm, by Tidings and by what might be picked instead.

`python -m tests.bench.throughput --help` tells what it takes; `make bench` runs it all. In the order of reading:

- cases.py: what is handed to everybody, handlers, batches, bodies, accounts and the platform's delay; work.py: what the
  handlers do
- contenders.py, starting.py: who takes part, how each is set up and started, what it guarantees
- peers/: the same job written for each library, as its documentation has it; shop.py: what they share, the accounts, pull
  and confirm; everybody pulls the same accounts, one pull at a time for each
- stage.py: one contender's processes on a fresh Valkey, against the sandbox
- measure.py, latency.py: one measurement of speed and cost, and one of latency
- meter.py, clocks.py: CPU, memory and Redis commands of a stage
- plan.py, rounds.py: which cases how often, everybody in turn
- figures.py, verdict.py: medians of pairs, what is to be shown and whether it is
- results.py, table.py, readme.py, picture.py: all of it as a file, as text, as README.md's table, as a picture
"""
