"""Finds weaknesses in the way to a member: no TLS, no verified server, or a local address."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from fleet.pod_addresses import kind_of
from fleet.problem import Problem
from fleet.ref import Ref

_EXPOSED: Final = "it is used all the same; who is in between reads credentials and sends answers"


def weaknesses(at: Ref, key: str, cluster: Mapping[str, Any]) -> Iterator[Problem]:
    """A problem for each weakness in the cluster of a kubeconfig, which is used all the same."""
    server = urlsplit(str(cluster["server"]).strip())
    if cluster.get("insecure-skip-tls-verify"):
        value, expected = "insecure-skip-tls-verify", "an authority by which the server is verified"
        yield Problem(at, "InsecureMember", key, value, expected, _EXPOSED)
    if server.scheme.lower() != "https":
        yield Problem(at, "InsecureMember", key, "http", "a server by https", _EXPOSED)
    if what := _purpose(server.hostname or ""):
        expected = f"the address at which fleetgate reaches the member; this is {what}"
        effect = "it is used all the same"
        yield Problem(at, "LocalMember", key, str(server.hostname), expected, effect)


def _purpose(host: str) -> str:
    """The special purpose of a host's address; "" if an API server may have the address."""
    if host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost"):
        return kind_of(ip_address("::1"))
    try:
        return kind_of(ip_address(host))
    except ValueError:
        return ""  # a name
