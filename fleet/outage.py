"""The class of the reason why an origin cannot be read.

The messages of one outage differ in ports, times and the server's own words. Its class stays the
same as long as the cause does, so a new class is news and a new message is not.
"""

from enum import Enum


class Outage(Enum):
    """The cause of an outage; the value is a sentence about the member or the hub."""

    NO_ANSWER = "its API server does not answer"
    TLS = "a TLS connection to its API server fails"
    CREDENTIALS = "its API server refuses the credentials"
    RIGHTS = "its RBAC does not let fleetgate read it"
    ERROR = "its API server answers with errors"
    EXCESS = "its API server sends more than fleetgate takes"
    KUBECONFIG = "its kubeconfig cannot be used"
    UNREAD = "it has not been read yet"
    OTHER = "it cannot be read"
