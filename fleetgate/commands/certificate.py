"""`fleetgate certificate` writes the certificate by which an Envoy is served as a gateway."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from fleet.kubernetes.connection import Unreached
from fleet.kubernetes.kubeconfig import BadKubeconfig
from fleetgate.certificates.credential import CERTIFICATE, KEY, TRUST, Credential, client_credential
from fleetgate.certificates.directory import read_files, replace_files
from fleetgate.certificates.gateway_uris import TRUST_DOMAIN, gateway_uri
from fleetgate.certificates.pair import utc_now
from fleetgate.certificates.roots import Lifetimes, Roots
from fleetgate.certificates.sds_files import sds_documents
from fleetgate.certificates.secret import NAME, SecretStore
from fleetgate.commands.options import (
    HUB_CONTEXT,
    HUB_KUBECONFIG,
    IN_CLUSTER,
    OWN_NAMESPACE,
    hub_place,
)
from fleetgate.errors import OperatorError
from fleetgate.fleets import HubPlace


@click.command()
@click.argument("gateway", metavar="GATEWAY")
@click.option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files are written; what is there and still good is left alone.",
)
@click.option(
    "--tls-dir",
    metavar="DIR",
    default="",
    help="Absolute path at which Envoy sees these files, if that is not --out.",
)
@HUB_KUBECONFIG
@HUB_CONTEXT
@IN_CLUSTER
@OWN_NAMESPACE
@click.option(
    "--trust-domain",
    metavar="NAME",
    default=TRUST_DOMAIN,
    show_default=True,
    help="Trust domain of the certificate's URI, as fleetgate serves it.",
)
def certificate(
    gateway: str,
    out: Path,
    tls_dir: str,
    hub_kubeconfig: Path | None,
    hub_context: str,
    namespace: str,
    trust_domain: str,
    *,
    in_cluster: bool,
) -> None:
    """Write the certificate of an Envoy of your own.

    GATEWAY is the flavour and the name of the gateway's object, such as mse/ackone-gateway. The
    certificate is signed with the authority that fleetgate keeps on the hub: whoever may read that
    Secret may be any gateway. It is good for 90 days and renewed after 60: run this once a day, and
    Envoy takes what is new without a restart.

    \b
        fleetgate certificate mse/ackone-gateway --hub-kubeconfig hub.yaml --out /etc/fleetgate/tls
        fleetgate bootstrap mse/ackone-gateway --tls-dir /etc/fleetgate/tls > envoy.yaml

    Exit status: 0 it is there, 2 the hub or the files cannot be used.
    """
    try:
        uri = gateway_uri(gateway, trust_domain)
    except ValueError as e:
        raise OperatorError(str(e)) from e
    if tls_dir and not tls_dir.startswith("/"):
        raise OperatorError(f"--tls-dir {tls_dir} has to be an absolute path")
    hub = hub_place(hub_kubeconfig, hub_context, namespace, in_cluster=in_cluster)
    if hub is None:
        raise click.UsageError("Say where the hub is, by --hub-kubeconfig or --in-cluster.")
    roots = asyncio.run(_roots(hub))
    documents = sds_documents(tls_dir.rstrip("/") or str(out.absolute()))
    try:
        click.echo(_write(out, roots, uri, documents))
    except OSError as e:
        raise OperatorError(f"{e.filename or out} cannot be used: {e.strerror}") from e


async def _roots(hub: HubPlace) -> Roots:
    try:
        api = await hub.connect()
    except BadKubeconfig as e:
        raise OperatorError(str(e)) from e
    try:
        kept = await SecretStore(api, hub.namespace).read()
    except Unreached as e:
        raise OperatorError(str(e)) from e
    finally:
        await api.close()
    if kept is None:
        raise OperatorError(
            f"{api.server} has no Secret {hub.namespace}/{NAME}: fleetgate makes it when it serves "
            "xDS there; is it in another --namespace, or are its certificates given by files?"
        )
    return kept.roots


def _write(out: Path, roots: Roots, uri: str, documents: Mapping[str, str]) -> str:
    """Write the files that have changed, and return a sentence about them."""
    before = read_files(out, (CERTIFICATE, KEY, TRUST, *documents))
    held = Credential.of_files(before)
    credential = client_credential(roots, uri, utc_now(), Lifetimes(), held)
    wanted = {**credential.files, **{name: text.encode() for name, text in documents.items()}}
    until = f"{uri}, good until {credential.expires:%Y-%m-%d %H:%M} UTC"
    if wanted == before:
        return f"{out} is up to date: {until}"
    replace_files(out, wanted)
    return f"wrote {out}: {until}"
