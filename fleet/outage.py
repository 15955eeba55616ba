"""Why an origin cannot be read, as a class.

Messages of one outage differ in ports, times and a server's own words. The class stays the same for
as long as the cause does, so it decides what is said anew.
"""

from enum import Enum


class Outage(Enum):
    """The cause of an outage; the value says it of an API server."""

    NO_ANSWER = "its API server does not answer"
    TLS = "a TLS connection to its API server fails"
    CREDENTIALS = "its API server refuses the credentials"
    RIGHTS = "its RBAC does not let fleetgate read it"
    ERROR = "its API server answers with errors"
    EXCESS = "its API server sends more than fleetgate takes"
    KUBECONFIG = "its kubeconfig cannot be used"
    UNREAD = "it has not been read yet"
    OTHER = "it cannot be read"
