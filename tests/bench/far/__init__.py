"""What a Redis costs that is not on this machine: messages a second, from publish to handled, polls a second, by its round trip.

`python -m tests.bench.far`: one plain worker of four processes and beat, state and broker both behind a proxy that delays.
"""
