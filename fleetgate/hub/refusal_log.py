"""A log of requests that the hub refuses, in which a lasting refusal stands once."""

import logging
from collections.abc import Container
from http import HTTPStatus

from fleet.kubernetes.connection import Reply


class RefusalLog:
    """Logs the refusals of requests. Each topic is a sort of request with refusals of its own."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last: dict[str, str] = {}

    def note(self, topic: str, effect: str, reply: Reply) -> None:
        """Log the refusal of a reply with its effect, unless it is the last one of its topic.

        The answer that something is not found is no refusal.
        """
        refusal = "" if reply.ok or reply.status == HTTPStatus.NOT_FOUND else reply.message
        if refusal and refusal != self._last.get(topic):
            self._log.warning("%s, the hub refuses it: %s", effect, refusal)
        self._last[topic] = refusal

    def keep_only(self, topics: Container[str]) -> None:
        """Forget all other topics."""
        self._last = {topic: last for topic, last in self._last.items() if topic in topics}
