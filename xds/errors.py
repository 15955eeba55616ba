"""Why the server ends a stream. The text is for the client.

StreamError
├── BadRequest   bytes or fields that the protocol does not allow
├── TooMuch      more than a client may ask for
└── Refused      a node that is served nothing here
"""


class StreamError(Exception):
    """The stream has to end."""


class BadRequest(StreamError):
    """The client does not speak the protocol."""


class TooMuch(StreamError):
    """The client asks for more than is served to one client."""


class Refused(StreamError):
    """The client is not served here."""
