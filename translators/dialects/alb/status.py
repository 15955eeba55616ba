"""The status of an AlbConfig."""

from typing import Any

from translators.dialects.dialect import Columns
from translators.model.listeners import ListenerPort
from translators.model.statuses import GatewayStatus, Phase


def alb_status(status: GatewayStatus) -> dict[str, Any]:  # JSON
    """Return the status that the product documents show, with conditions.

    The conditions have no times, so that all replicas write the same status.
    """
    shown = {"id": status.id} if status.id else {}
    shown |= {"dnsname": status.addresses[0]} if status.addresses else {}
    troubled = [c for c in status.remote_clusters if c.message]
    return {
        "loadBalancer": {
            **shown,
            "listeners": [_listener(status, listener) for listener in status.listeners],
            "subClusters": [c.cluster_id for c in status.remote_clusters if c.known],
        },
        "conditions": [
            {
                "type": "Listening",
                "status": str(status.phase is Phase.LISTENING),
                "reason": status.phase.value,
                "message": status.message,
            },
            {
                "type": "SubClustersReady",
                "status": str(not troubled),
                "reason": "NotAllReady" if troubled else "AllReady",
                "message": "; ".join(f"{c.cluster_id}: {c.message}" for c in troubled),
            },
        ],
    }


def alb_columns(status: GatewayStatus) -> Columns:
    """Return the columns of `kubectl get albconfig`, with all listeners and certificates."""
    certificates = dict.fromkeys(each.id for each in status.certificates)
    return (
        ("ALBID", status.id),
        ("DNSNAME", status.addresses[0] if status.addresses else ""),
        ("PORT&PROTOCOL", ",".join(map(str, status.listeners))),
        ("CERTID", ",".join(certificates)),
    )


def _listener(status: GatewayStatus, listener: ListenerPort) -> dict[str, Any]:  # JSON
    certificates = [
        {"certificateId": each.id, "isDefault": each.is_default}
        for each in status.certificates
        if each.listener == listener
    ]
    shown = {"portAndProtocol": str(listener)}
    return {**shown, "certificates": certificates} if certificates else shown
