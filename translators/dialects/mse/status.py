"""The status of a MseIngressConfig."""

from typing import Any

from translators.model.statuses import GatewayStatus, RemoteCluster


def mse_status(status: GatewayStatus) -> dict[str, Any]:  # JSON
    """Return phase, message and members as the product documents show them."""
    message = {"message": status.message} if status.message else {}
    remote = [_remote(cluster) for cluster in status.remote_clusters]
    return {"phase": status.phase.value, **message, "remoteClusters": remote}


def _remote(cluster: RemoteCluster) -> dict[str, str]:
    """Return the entry of a member; it has a status and a message if something is wrong."""
    failed = {"status": "Failed", "message": cluster.message} if cluster.message else {}
    return {"clusterId": cluster.cluster_id, **failed}
