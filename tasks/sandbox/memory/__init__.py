"""What the simulated platforms keep, in memory: apps, queues, limits, faults, and the book of calls."""
