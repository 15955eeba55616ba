"""A clock that the test turns."""


class Clock:
    """Seconds since some moment, for whoever asks a clock for them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
