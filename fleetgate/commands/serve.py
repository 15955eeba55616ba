"""`fleetgate serve` runs the control plane for Envoys that run elsewhere."""

import ipaddress
from contextlib import AsyncExitStack
from pathlib import Path

import click

from fleetgate.certificates.gateway_uris import TRUST_DOMAIN
from fleetgate.certificates.given import GivenFiles
from fleetgate.commands.options import (
    ADMIN_PORT,
    NO_STATUS,
    PORT_OFFSET,
    START_DEADLINE,
    STATE_DIR,
    XDS_MAX_REQUEST,
    XDS_PORT,
    Address,
    takes_place,
)
from fleetgate.core.control import ControlSettings
from fleetgate.defaults import ANY_ADDRESS, LOOPBACK
from fleetgate.fleets import HubPlace, Place
from fleetgate.garbage import loading
from fleetgate.hub.managed.settings import IMAGE, INTERNAL, OWN_PORTS, PUBLIC, LoadBalancerSettings
from fleetgate.lifetime import run, until_stopped
from fleetgate.serving import GatewaySettings, HubDuties, ServeSettings, XdsSettings, serving

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@takes_place
@click.option(
    "--bind",
    default=ANY_ADDRESS,
    show_default=True,
    type=Address(),
    help="Address on which the gateways' Envoys listen, each on its own host.",
)
@PORT_OFFSET
@STATE_DIR
@START_DEADLINE
@NO_STATUS
@click.option(
    "--xds-bind",
    default=LOOPBACK,
    show_default=True,
    type=Address(),
    help="Address on which Envoys ask for their configuration. Beyond loopback they show a "
    "certificate; on a hub, fleetgate makes them itself unless they are given.",
)
@XDS_PORT
@XDS_MAX_REQUEST
@click.option(
    "--xds-service",
    metavar="NAME",
    default="",
    help="DNS name by which Envoys on the hub find fleetgate, and which its own certificate has; "
    "fleetgate.NAMESPACE.svc unless given.",
)
@click.option(
    "--xds-name",
    "xds_names",
    metavar="NAME",
    multiple=True,
    help="Further DNS name or IP address of the server in the certificate that fleetgate makes "
    "itself; may be repeated.",
)
@click.option(
    "--trust-domain",
    metavar="NAME",
    default=TRUST_DOMAIN,
    show_default=True,
    help="Trust domain of the URIs in Envoys' certificates: spiffe://NAME/gateway/mse/...",
)
@click.option("--xds-cert", metavar="FILE", type=_FILE, help="The server's certificate, PEM.")
@click.option("--xds-key", metavar="FILE", type=_FILE, help="Its key, PEM.")
@click.option(
    "--xds-client-ca",
    metavar="FILE",
    type=_FILE,
    help="Authorities of the Envoys' certificates, PEM. The three files may be replaced live.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Speak xDS in clear beyond loopback: whoever reaches it reads all configuration.",
)
@click.option(
    "--manage-gateways",
    is_flag=True,
    help="Run the Envoys of each gateway on the hub, behind load balancers.",
)
@click.option(
    "--gateway-image",
    metavar="IMAGE",
    default=IMAGE,
    show_default=True,
    help="Envoy's image for managed gateways; it needs bash.",
)
@click.option(
    "--public-annotation",
    "public_annotations",
    metavar="KEY=VALUE",
    multiple=True,
    help="Annotation of public load balancers, in place of those for well-known clouds; may be "
    "repeated.",
)
@click.option(
    "--internal-annotation",
    "internal_annotations",
    metavar="KEY=VALUE",
    multiple=True,
    help="The same for internal load balancers.",
)
@click.option(
    "--load-balancer-class",
    metavar="CLASS",
    default="",
    help="spec.loadBalancerClass of the gateways' Services.",
)
@click.option(
    "--admin-bind",
    default=LOOPBACK,
    show_default=True,
    type=Address(),
    help="Address of fleetgate's own admin HTTP.",
)
@ADMIN_PORT
def serve(
    *,
    place: Place,
    bind: str,
    port_offset: int,
    state_dir: Path | None,
    start_deadline: float,
    xds_bind: str,
    xds_port: int,
    xds_max_request: int,
    xds_service: str,
    xds_names: tuple[str, ...],
    trust_domain: str,
    xds_cert: Path | None,
    xds_key: Path | None,
    xds_client_ca: Path | None,
    gateway_image: str,
    public_annotations: tuple[str, ...],
    internal_annotations: tuple[str, ...],
    load_balancer_class: str,
    admin_bind: str,
    admin_port: int,
    write_status: bool,
    insecure: bool,
    manage_gateways: bool,
) -> None:
    """Serve a fleet's configuration to Envoys that run elsewhere.

    DIR holds the fleet: manifests in DIR/hub/ and DIR/clusters/MEMBER/; it is watched while this
    runs. Instead of DIR, --hub-kubeconfig or --in-cluster name the API server of a hub. Envoys join
    with the bootstrap that `fleetgate bootstrap GATEWAY` prints, and beyond loopback with the
    certificate that `fleetgate certificate GATEWAY` writes.

    Exit status: 0 stopped by a signal, 2 it could not start.
    """
    gateways = GatewaySettings(
        gateway_image,
        LoadBalancerSettings(
            _annotations(public_annotations) or PUBLIC,
            _annotations(internal_annotations) or INTERNAL,
            load_balancer_class=load_balancer_class,
        ),
    )
    if manage_gateways and not (isinstance(place, HubPlace) and write_status):
        raise click.UsageError("--manage-gateways needs a hub to write to.")
    if manage_gateways and not ipaddress.ip_address(bind).is_unspecified:
        raise click.UsageError(
            f"--bind {bind} is no address of the Pods that --manage-gateways makes, which have one "
            "each; leave --bind out, or give 0.0.0.0 or ::."
        )
    settings = ServeSettings(
        control=ControlSettings(
            start_deadline, bind, port_offset, OWN_PORTS if manage_gateways else frozenset()
        ),
        xds=XdsSettings(
            address=xds_bind,
            port=xds_port,
            max_request=xds_max_request,
            given=_given(xds_cert, xds_key, xds_client_ca),
            service=xds_service,
            names=xds_names,
            trust_domain=trust_domain,
            insecure=insecure,
        ),
        duties=HubDuties(write_status, gateways if manage_gateways else None),
        state=state_dir,
        admin_address=admin_bind,
        admin_port=admin_port,
    )
    run(_serve(place, settings))


def _annotations(texts: tuple[str, ...]) -> dict[str, str]:
    annotations = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.UsageError(f"{text!r}: KEY=VALUE is expected.")
        annotations[key] = value
    return annotations


def _given(
    certificate: Path | None, key: Path | None, authorities: Path | None
) -> GivenFiles | None:
    if certificate and key and authorities:
        return GivenFiles(certificate, key, authorities)
    if certificate or key or authorities:
        raise click.UsageError("--xds-cert, --xds-key and --xds-client-ca belong together.")
    return None


async def _serve(place: Place, settings: ServeSettings) -> None:
    async with AsyncExitStack() as stack:
        with loading():
            running = await stack.enter_async_context(serving(place, settings))
        click.echo(
            f"xDS on {settings.xds.address}:{running.xds_port}, "
            f"admin on {settings.admin_address}:{running.admin_port}; serving {place}"
        )
        await until_stopped()
