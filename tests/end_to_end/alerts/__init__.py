"""Every alert made true by doing the thing: a real Prometheus scrapes a real `celery -A tasks web`.

`python -m tests.end_to_end.alerts`
"""
