"""What a call that is not made raises."""


class NotNow(Exception):
    """The call must not be made now; it may be tried again in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"not within {wait:.3f} s")
        self.wait = wait
