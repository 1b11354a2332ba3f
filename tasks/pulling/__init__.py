"""Whom to pull and when: due times, what pulls teach, plans for quotas, backpressure, and the keeping of raw replies."""
