"""Celery's prefork pool, which hands quick tasks to its processes in bundles.

For a task that takes a fraction of a millisecond, the way to the process and back costs more than the task: writes, reads and
turns of the event loop on both sides, and three round trips to Redis. Tasks of a kind that was quick lately go together, as
many as should be done in `waiting.SECONDS`; all others go one by one. What Celery promises of a task holds for each in a
bundle: it is acknowledged, retried, timed out and given back by itself (bundle.py).

A task's kind is what its sender wrote into the header `KIND`, the topic of a handle task's message; one without goes alone.
waiting.py knows how quick a kind is and what goes together, child.py runs it, progress.py shows the main process how far a child
has come.
"""

from tasks.plumbing.pool.pool import TaskPool

__all__ = ("TaskPool",)
