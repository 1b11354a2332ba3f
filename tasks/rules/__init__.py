"""Every decision, as pure functions on plain values: nothing here reads a clock, a store or a platform."""
