"""How many processes an autoscaled worker should have."""

from celery.worker import autoscale

from tasks.plumbing.transport import apart


class Autoscaler(autoscale.Autoscaler):
    """Celery's, which does not make processes for tasks that need none of the pool's."""

    @property
    def qty(self) -> int:
        """How many tasks there are for the pool."""
        return int(super().qty) - apart.elsewhere()
