"""How an Envoy shows its certificate to fleetgate, and follows when the files are renewed.

The files come as three (`credential.py`), beside two documents that never change: Envoy reads files
again only where they came by a Secret (SDS), and a Secret can come from a file too.

    bootstrap ──▶ certificate.sds.yaml ──▶ tls.crt, tls.key
              └─▶ trust.sds.yaml ────────▶ ca.crt
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from fleetgate.certificates.credential import CERTIFICATE, KEY, TRUST

SERVER_NAME: Final = "fleetgate.fleetgate-system.svc"
"""The DNS name of fleetgate's Service, where it is installed as `deploy/` does."""

_TYPES: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_CERTIFICATE: Final = "certificate"
_TRUST: Final = "trust"


@dataclass(frozen=True, slots=True)
class XdsTls:
    """Where an Envoy finds its files, and the DNS name that fleetgate's certificate has to have.

    Paths are as Envoy sees them. `documents` is where the two SDS documents are, if not with the
    rest: a Kubernetes Secret with the files can be mounted beside a ConfigMap with the documents.
    The name need not be the address: fleetgate may be reached through any load balancer.
    """

    directory: str
    server_name: str
    documents: str = ""


def sds_documents(directory: str) -> dict[str, str]:
    """The two documents by file name, for files in `directory`."""
    watched = {"path": directory}
    certificate = {
        "certificate_chain": {"filename": f"{directory}/{CERTIFICATE}"},
        "private_key": {"filename": f"{directory}/{KEY}"},
        "watched_directory": watched,
    }
    trust = {
        "trusted_ca": {"filename": f"{directory}/{TRUST}"},
        "watched_directory": dict(watched),
    }
    return {
        _file(_CERTIFICATE): _document({"name": _CERTIFICATE, "tls_certificate": certificate}),
        _file(_TRUST): _document({"name": _TRUST, "validation_context": trust}),
    }


def transport_socket(tls: XdsTls) -> dict[str, Any]:  # JSON
    """The transport socket of Envoy's Cluster of fleetgate."""
    # Both bounds: as a client, Envoy goes no further than TLS 1.2 by itself.
    versions = {
        "tls_minimum_protocol_version": "TLSv1_3",
        "tls_maximum_protocol_version": "TLSv1_3",
    }
    context = {
        "tls_params": versions,
        "tls_certificate_sds_secret_configs": [_source(tls, _CERTIFICATE)],
        "combined_validation_context": {
            "default_validation_context": {
                "match_typed_subject_alt_names": [
                    {"san_type": "DNS", "matcher": {"exact": tls.server_name}}
                ]
            },
            "validation_context_sds_secret_config": _source(tls, _TRUST),
        },
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TYPES}.UpstreamTlsContext",
            "sni": tls.server_name,
            "common_tls_context": context,
        },
    }


def _source(tls: XdsTls, name: str) -> dict[str, Any]:  # JSON
    place = tls.documents or tls.directory
    path = {"path": f"{place}/{_file(name)}", "watched_directory": {"path": place}}
    return {
        "name": name,
        "sds_config": {"resource_api_version": "V3", "path_config_source": path},
    }


def _document(secret: dict[str, Any]) -> str:  # JSON
    resource = {"@type": f"{_TYPES}.Secret", **secret}
    return yaml.safe_dump({"resources": [resource]}, sort_keys=False, width=120)


def _file(name: str) -> str:
    return f"{name}.sds.yaml"
