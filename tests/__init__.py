"""The tests: unit (no I/O), integration (a real Valkey, HTTP on loopback), end_to_end (processes), bench (figures)."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The top of the checkout."""
