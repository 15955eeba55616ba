"""An event loop whose time a test can move forward."""

import asyncio


class ForwardLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is `ahead` of the machine's clock, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead
