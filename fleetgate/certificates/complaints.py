"""A complaint that lasts is logged once, however often it is found."""

import logging


class Complaints:
    """Logs sentences as warnings, but none twice in a row."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last = ""

    def say(self, sentence: str) -> None:
        """Log a sentence unless it is the last one. An empty sentence says that all is well."""
        if sentence and sentence != self._last:
            self._log.warning("%s", sentence)
        self._last = sentence
