"""Arguments and options that several commands share."""

import math
import re
from collections.abc import Callable, Container, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from fleet.address import is_ip
from fleet.kubernetes.members import ID_SHAPE, TRUSTED, is_id
from fleet.member_settings import MemberSettings
from fleet.parse_settings import read_settings
from fleetgate import defaults
from fleetgate.fleets import DirectoryPlace, HubPlace, Place

C = TypeVar("C", bound=Callable[..., Any])  # a command's function, whatever its options

_DNS_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?")


class Address(click.ParamType[str]):
    """An IP address."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address as it is written. Fail with a usage error for another text."""
        if not is_ip(value):
            self.fail(f"{value!r} is not an IP address.", param, ctx)
        return value


class Host(click.ParamType[str]):
    """A DNS name or an IP address, as a bootstrap names it."""

    name = "host"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the host as it is written. Fail with a usage error for another text."""
        if not is_ip(value) and (len(value) > 253 or not _DNS_NAME.fullmatch(value)):
            self.fail(f"{value!r} is neither a DNS name nor an IP address.", param, ctx)
        return value


class Seconds(click.FloatRange):
    """A number of seconds, at most an hour."""

    def __init__(self) -> None:
        super().__init__(0, 3600)

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number. Fail for NaN, which passes the comparisons of the base class."""
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return seconds


FLEET = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))

BIND = click.option(
    "--bind",
    default=defaults.LOOPBACK,
    show_default=True,
    type=Address(),
    help="Address of the first gateway; each further one takes the next address.",
)


def port_offset_option(default: int) -> Callable[[C], C]:
    """Make the option `--port-offset` with a default of its own."""
    return click.option(
        "--port-offset",
        metavar="NUMBER",
        default=default,
        show_default=True,
        type=click.IntRange(0, 65000),
        help="Added to every port of a gateway: 10000 turns port 80, which is for root, into "
        "10080.",
    )


PORT_OFFSET = port_offset_option(0)
ADMIN_PORT = click.option(
    "--admin-port",
    metavar="PORT",
    default=defaults.ADMIN_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of fleetgate's own admin HTTP, which status and sync ask; 0 takes a free one.",
)
RUNNING = click.option(
    "--admin-port",
    metavar="PORT",
    default=defaults.ADMIN_PORT,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port of the admin HTTP of the fleetgate to ask, on this machine.",
)
XDS_PORT = click.option(
    "--xds-port",
    metavar="PORT",
    default=defaults.XDS_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on which Envoys ask for their configuration; 0 takes a free one.",
)

XDS_MAX_REQUEST = click.option(
    "--xds-max-request",
    metavar="MIB",
    default=defaults.XDS_MAX_REQUEST,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Size of the largest request of an Envoy, which names the endpoints of all its Clusters "
    "when it comes back; a stream may name 12,500 resources for each MiB.",
)

HUB_KUBECONFIG = click.option(
    "--hub-kubeconfig",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Kubeconfig of the fleet's hub.",
)
HUB_CONTEXT = click.option(
    "--hub-context",
    metavar="NAME",
    default="",
    help="Context of the hub in its kubeconfig; the current one unless named.",
)
IN_CLUSTER = click.option(
    "--in-cluster", is_flag=True, help="The hub is the cluster in which this runs."
)
OWN_NAMESPACE = click.option(
    "--namespace",
    metavar="NAMESPACE",
    default=defaults.NAMESPACE,
    show_default=True,
    help="fleetgate's own namespace on the hub: Secrets of members, Leases, certificates.",
)
MEMBERS = click.option(
    "--member",
    "members",
    metavar="ID=CONTEXT",
    multiple=True,
    help="A member by a context of the hub's kubeconfig, beside the members that Secrets on the "
    "hub name; may be repeated.",
)
MEMBER_SETTINGS = click.option(
    "--member-setting",
    "settings",
    metavar="ID:NAME=VALUE",
    multiple=True,
    help="A setting of a member that --member names, such as c1:addressing=nodePorts; may be "
    "repeated.",
)
MEMBER_NAMESPACES = click.option(
    "--member-namespace",
    "trusted",
    metavar="NAMESPACE",
    multiple=True,
    default=TRUSTED,
    show_default=True,
    help="Where Istio's and Argo CD's Secrets name members, beside --namespace: who may write "
    "Secrets there decides where requests go; may be repeated.",
)
SECRET_NAMESPACES = click.option(
    "--secret-namespace",
    "followed",
    metavar="NAMESPACE",
    multiple=True,
    help="Where Secrets are read that Ingresses name, in place of all namespaces; may be repeated.",
)
STATE_DIR = click.option(
    "--state-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory that remembers what was read, so that a restart during an outage of an API "
    "server empties nothing.",
)
START_DEADLINE = click.option(
    "--start-deadline",
    metavar="SECONDS",
    default=defaults.START_DEADLINE,
    show_default=True,
    type=Seconds(),
    help="How long a member that does not answer may hold up the start, or a gateway to which it "
    "is newly attached. The hub has to be read.",
)

_WRITES: Final = "Write statuses and events of the hub's objects, as the one of all replicas that "
NO_STATUS = click.option(
    "--write-status/--no-status",
    default=True,
    show_default=True,
    help=f"{_WRITES}leads.",
)
WRITE_STATUS = click.option(
    "--write-status/--no-status",
    default=False,
    show_default=True,
    help=f"{_WRITES}leads. The Envoys of this machine are then what the hub is told of: for a hub "
    "that nobody else serves.",
)

_FLEET_OPTIONS: Final = (
    click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path)),
    HUB_KUBECONFIG,
    HUB_CONTEXT,
    IN_CLUSTER,
    OWN_NAMESPACE,
    MEMBERS,
    MEMBER_SETTINGS,
    MEMBER_NAMESPACES,
    SECRET_NAMESPACES,
)


def takes_place(command: C) -> Callable[..., Any]:
    """Add the options that name the place of the fleet. The command gets it as `place`."""

    @wraps(command)
    def with_place(
        directory: Path | None,
        hub_kubeconfig: Path | None,
        hub_context: str,
        namespace: str,
        members: tuple[str, ...],
        settings: tuple[str, ...],
        trusted: tuple[str, ...],
        followed: tuple[str, ...],
        *,
        in_cluster: bool,
        **rest: Any,  # noqa: ANN401 (the command's own options)
    ) -> Any:  # noqa: ANN401 (what the command gives)
        hub = hub_place(
            hub_kubeconfig,
            hub_context,
            namespace,
            members,
            trusted,
            followed,
            settings,
            in_cluster=in_cluster,
        )
        if directory is not None and hub is not None:
            raise click.UsageError(
                f"The fleet is in one place: {directory} and the hub's options name two."
            )
        if directory is None and hub is None:
            raise click.UsageError(
                "Say where the fleet is: DIR, or its hub by --hub-kubeconfig or --in-cluster."
            )
        place: Place | None = DirectoryPlace(directory) if directory is not None else hub
        return command(place=place, **rest)

    wrapped: Callable[..., Any] = with_place
    for option in reversed(_FLEET_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def hub_place(
    kubeconfig: Path | None,
    context: str,
    namespace: str,
    members: tuple[str, ...] = (),
    trusted: tuple[str, ...] = TRUSTED,
    followed: tuple[str, ...] = (),
    settings: tuple[str, ...] = (),
    *,
    in_cluster: bool,
) -> HubPlace | None:
    """Return the hub that options name, None where they name none. Raises UsageError."""
    if in_cluster and (kubeconfig is not None or context):
        raise click.UsageError("--in-cluster and a kubeconfig name two hubs.")
    if kubeconfig is None and context:
        raise click.UsageError("--hub-context needs --hub-kubeconfig.")
    if kubeconfig is None and members:
        raise click.UsageError("--member needs --hub-kubeconfig, whose contexts it names.")
    named = _members(members)
    by_member = _settings(settings, dict(named))
    if kubeconfig is None and not in_cluster:
        return None
    return HubPlace(kubeconfig, context, named, namespace, trusted, followed, by_member)


def _members(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the ID and the context of each member. Raises UsageError."""
    contexts: dict[str, str] = {}
    for text in texts:
        member, equals, context = text.partition("=")
        if not (member and equals and context):
            raise click.UsageError(f"--member {text}: ID=CONTEXT is expected, such as c1=kind-c1.")
        if not is_id(member):
            raise click.UsageError(f"--member {text}: an ID is made of {ID_SHAPE}.")
        if member in contexts:
            raise click.UsageError(f"--member {text}: {member} is {contexts[member]} already.")
        contexts[member] = context
    return tuple(contexts.items())


def _settings(
    texts: tuple[str, ...], members: Container[str]
) -> tuple[tuple[str, MemberSettings], ...]:
    """Return the settings of each member that has any. Raises UsageError."""
    named: dict[str, dict[str, str]] = {}
    for text in texts:
        member, colon, setting = text.partition(":")
        name, equals, value = setting.partition("=")
        if not (member and colon and name and equals):
            raise click.UsageError(
                f"--member-setting {text}: ID:NAME=VALUE is expected, such as c1:region=eu."
            )
        if member not in members:
            raise click.UsageError(f"--member-setting {text}: no --member has the ID {member}.")
        if name in named.setdefault(member, {}):
            raise click.UsageError(f"--member-setting {text}: {member} has this setting already.")
        named[member][name] = value
    return tuple((member, _read_settings(member, given)) for member, given in named.items())


def _read_settings(member: str, texts: Mapping[str, str]) -> MemberSettings:
    found = read_settings(texts)
    if isinstance(found, MemberSettings):
        return found
    first, *others = found
    more = f" ({len(others)} more like this)" if others else ""
    said = f"={texts[first.name]}" if first.name in texts else ""
    raise click.UsageError(
        f"--member-setting {member}:{first.name}{said}: expected {first.expected}{more}."
    )
