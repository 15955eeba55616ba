"""A MseIngressConfig is read into a gateway."""

from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.dialect import GatewaySpec
from translators.dialects.mse.objects import MseAccess, MseIngressConfig
from translators.envoy.names import certificate_name
from translators.model.listeners import Entry, ListenerPort, Protocol, TableSet
from translators.model.shapes import HTTP_PORT, HTTPS_PORT
from translators.model.tls import ServerTls

MSE_TABLES: Final = TableSet("mse")
"""The set of route tables that all listeners of an MSE gateway share."""

_ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(ListenerPort(HTTP_PORT), MSE_TABLES),
    Entry(
        ListenerPort(HTTPS_PORT, Protocol.HTTPS),
        MSE_TABLES,
        ServerTls(nameless=certificate_name("")),
    ),
)
"""The listeners of every MSE gateway. No field of a MseIngressConfig declares them.

The one for TLS stands before an Ingress has a certificate. Then the first certificate changes no
Listener; until then every handshake is refused.
"""


def read_mse_gateway(ref: Ref, config: MseIngressConfig) -> GatewaySpec:
    """Read the listeners and the selection of Ingresses.

    A gateway with an access list has no listener: the list has no effect, and the gateway would
    be open to everybody without it.
    """
    local = config.spec.ingress.local
    clients = _listed_clients(config.spec.global_.ip_access_control)
    if clients:
        problems = (_restricted(ref, clients),)
        return GatewaySpec((), (), local.ingress_class, local.watch_namespace, problems=problems)
    return GatewaySpec(_ENTRIES, ("", ""), local.ingress_class, local.watch_namespace)


def _listed_clients(access: MseAccess) -> str:
    return ", ".join(map(str, (*access.whitelist, *access.blacklist)))


def _restricted(ref: Ref, clients: str) -> Problem:
    """Report a gateway whose access lists keep it from being served."""
    expected, effect = "a later version of fleetgate", "the gateway serves nothing"
    key = "spec.global.ipAccessControl"
    return Problem(ref, "NotSupported", key, clients, expected, effect)
