"""Plants secrets and buyers in a whole run, has everything fail that can, and looks for them in all that was written.

`python -m tests.end_to_end.planted` is the long way: both forms of log, at INFO and at Celery's DEBUG, with many messages.
"""
