"""Tasks that wait for platforms (`tasks.names.WIRE`) run in threads of one process, the lane, beside the pool's.

A call takes a platform 50 to 150 ms, in which a pool process would do nothing: four of them made 47 polls a second. In the lane
`TIDINGS_POLLS_AT_ONCE` wait at a time. It is a child of the worker's main process like those of the pool, whatever the pool is,
begun with its worker, before that has threads; handlers never run in it. Their places are not its places: see transport/apart.py.

strategy.py leads a task here, lane.py and process.py send it, link.py is the way there and back, child.py runs it, step.py starts
and stops the lane with its worker. A worker without an event loop, and one with TIDINGS_STOCK, have none: there the pool runs
these tasks too.
"""

places = 0
"""How many jobs this process runs at a time, where it is a lane."""
