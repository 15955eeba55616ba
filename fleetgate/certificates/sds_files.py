"""The files by which an Envoy shows its certificate to fleetgate.

Envoy reads a certificate again only where it comes by SDS. So the bootstrap names two documents of
SDS, which never change, and these name the files of the certificate (`credential.py`).

    bootstrap ──▶ certificate.sds.yaml ──▶ tls.crt, tls.key
              └─▶ trust.sds.yaml ────────▶ ca.crt
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from fleetgate.certificates.credential import CERTIFICATE, KEY, TRUST
from fleetgate.defaults import NAMESPACE


def service_name(namespace: str) -> str:
    """Return the DNS name of fleetgate's Service in a namespace."""
    return f"fleetgate.{namespace}.svc"


SERVER_NAME: Final = service_name(NAMESPACE)
"""The name in fleetgate's certificate, where it is installed as `deploy/` does it."""

_TYPES: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_CERTIFICATE: Final = "certificate"
_TRUST: Final = "trust"


@dataclass(frozen=True, slots=True)
class XdsTls:
    """The directory of an Envoy's files, and the DNS name in fleetgate's certificate.

    Paths are as Envoy sees them. `documents` is the directory of the two documents of SDS, and ""
    where they are beside the files. A Pod can thus mount the files from a Secret and the documents
    from a ConfigMap. `server_name` may differ from the address at which Envoy reaches fleetgate.
    """

    directory: str
    server_name: str
    documents: str = ""


def sds_documents(directory: str) -> dict[str, str]:
    """Return the two documents by file name, for files in `directory`."""
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
    """Return the transport socket of the Cluster by which Envoy reaches fleetgate."""
    # As a client, Envoy uses at most TLS 1.2 by default, so the maximum is set too.
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
