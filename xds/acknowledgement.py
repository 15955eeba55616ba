"""How a request answers a response: by its nonce and its error, in both protocol variants.

no nonce, or nothing to answer      NONE     the request is about the subscription only
nonce of an earlier response        STALE    the client has not seen the last response yet
nonce of the last one, no error     ACK      the client has taken all of it
nonce of the last one, error        NACK     the client has refused all of it, says the protocol
"""

from enum import Enum, auto

from xds.discovery import Request


class Answer(Enum):
    """What a request says of the responses of its type."""

    NONE = auto()
    STALE = auto()
    ACK = auto()
    NACK = auto()


def answer_of(request: Request, *, last_nonce: str, in_flight: bool) -> Answer:
    """Tell what a request answers, which is not the first one of its type on the stream.

    `in_flight` says that the response with the last nonce was not answered before: a client of the
    state-of-the-world variant repeats the nonce in each request.
    """
    if not request.nonce:
        return Answer.NONE
    if request.nonce != last_nonce:
        return Answer.STALE
    if not in_flight:
        return Answer.NONE
    return Answer.ACK if request.error is None else Answer.NACK
