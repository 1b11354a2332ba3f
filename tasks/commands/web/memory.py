"""Gives back the memory that one picture took, where the C library is glibc."""

import ctypes

M_ARENA_MAX = -8
"""glibc's number for how many heaps threads get: one each otherwise, and each keeps what it was given."""


def one_heap() -> None:
    """Let all threads share a heap. To be said before there are any."""
    if set_option := getattr(ctypes.CDLL(None), "mallopt", None):
        set_option(M_ARENA_MAX, 1)


def give_back() -> None:
    """Give free memory back to the system."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
