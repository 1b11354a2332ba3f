"""The three platforms on the wire: what they check, answer and refuse."""
