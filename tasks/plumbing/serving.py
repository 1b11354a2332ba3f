"""Which tasks this worker takes."""

from tasks import app


def takes(task: str) -> bool:
    """Whether this worker takes from the queue of tasks of this name; true in every process that is no worker's."""
    return app.amqp.router.route({}, task)["queue"].name in app.amqp.queues.consume_from
