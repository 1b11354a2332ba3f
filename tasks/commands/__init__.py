"""The operator's own commands, each plugged into `celery -A tasks`."""
