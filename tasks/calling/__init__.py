"""Whether a platform may be called now: its gateway's limits, and who is paused (the circuit breaker)."""
