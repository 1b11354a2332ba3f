"""What polls and messages cost each process, and whether `celery -A tasks size` says so beforehand."""
