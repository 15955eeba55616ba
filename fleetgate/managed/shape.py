"""What a gateway's object asks for: how many Envoys, how large, behind which load balancers.

A value that cannot be read leaves its default in force, with one exception: it never makes public
what its key does not say is public. What is absent does, where that is the default.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from fleet.models import AlbConfig, MseIngressConfig, MseNetwork
from fleet.problem import Problem
from fleet.ref import Ref
from fleetgate.managed.settings import ManagedSettings
from translators.dialects.gateway_settings import INSTANCE_REPLICAS, INSTANCE_SPEC
from translators.dialects.mse.gateway import HTTP_PORT
from translators.dialects.registry import GatewayConfig, read_gateway

Report: TypeAlias = Callable[[str, object, str, str], None]
"""Takes a key, its value, what was expected, and the effect."""

MAX_REPLICAS: Final = 100
"""Beyond what a gateway of this kind is made for, and far below what would hurt a hub."""

HTTPS_PORT: Final = 443
"""Where gateways will serve TLS: in their Services from the start, so that none changes then."""

_SIZE: Final = re.compile(r"([1-9][0-9]{0,2})c([1-9][0-9]{0,3})g")
_LOAD_BALANCER_SIZE: Final = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_OFF: Final = frozenset({"0", "false", "no", "none", "null", "off"})
_ON: Final = frozenset({"true", "yes", "on"})
"""What somebody writes who takes the size for a switch."""

_INTERNAL: Final = {"internet": False, "intranet": True}
"""Whether a load balancer is internal, by `addressType` in any letters."""


@dataclass(frozen=True, slots=True)
class Size:
    """The cores and the memory (GiB) of one Envoy."""

    cores: int = 4
    memory: int = 8

    def __str__(self) -> str:
        return f"{self.cores}c{self.memory}g"


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """One in front of a gateway; `size` is in the cloud's words, "" leaves it to the cloud."""

    internal: bool
    size: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A gateway as it is to be run.

    `ports` are those that its users see. Where they `vary`, Envoys are run so that each port will
    do: another one is then no reason to replace them.
    """

    replicas: int = 3
    size: Size = Size()
    load_balancers: tuple[LoadBalancer, ...] = (LoadBalancer(internal=False),)
    ports: tuple[int, ...] = (HTTP_PORT, HTTPS_PORT)
    vary: bool = False
    problems: tuple[Problem, ...] = ()


def read_shape(gateway: Ref, config: GatewayConfig, settings: ManagedSettings) -> Shape:
    """Read what an object says of its Envoys; what cannot be read leaves its default in force."""
    match config:
        case MseIngressConfig():
            return _mse_shape(gateway, config)
        case AlbConfig():
            return _alb_shape(gateway, config, settings)


def _mse_shape(gateway: Ref, config: MseIngressConfig) -> Shape:
    instance, network = config.spec.common.instance, config.spec.common.network
    default = Shape()
    problems: list[Problem] = []

    def report(key: str, value: object, expected: str, effect: str) -> None:
        at = f"spec.common.{key}"
        problems.append(Problem(gateway, "InvalidField", at, str(value), expected, effect))

    replicas = _replicas("instance.replicas", instance.replicas, report)
    size = _size("instance.spec", instance.spec, report)
    load_balancers = _mse_load_balancers(network, report) or default.load_balancers
    return Shape(replicas, size, load_balancers, problems=tuple(problems))


def _replicas(key: str, value: int | str | None, report: Report) -> int:
    """How many Envoys there are to be."""
    if isinstance(value, int) and 1 <= value <= MAX_REPLICAS:
        return value
    default = Shape().replicas
    if value is not None:
        quoted = isinstance(value, str) and value.isdecimal()
        expected = f"an integer from 1 to {MAX_REPLICAS}{', without quotes' if quoted else ''}"
        report(key, value, expected, f"{default} Envoys run")
    return default


def _size(key: str, value: int | str | None, report: Report) -> Size:
    """How large each of them is to be."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        return Size(int(found[1]), int(found[2]))
    default = Shape().size
    if value is not None:
        expected = "the cores and the GiB of memory of an Envoy, such as 2c4g"
        report(key, value, expected, f"{default} holds")
    return default


def _mse_load_balancers(network: MseNetwork, report: Report) -> tuple[LoadBalancer, ...]:
    asked: dict[bool, LoadBalancer] = {}
    for key, value, is_public in (
        ("network.privateSLBSpec", network.private_slb_spec, False),
        ("network.publicSLBSpec", network.public_slb_spec, True),
    ):
        if not (written := _text(value, "")):
            continue
        is_size = _is_load_balancer_size(written)
        is_off = is_public and written.lower() in _OFF
        internal = is_off or not is_public
        asked.setdefault(internal, LoadBalancer(internal, written if is_size else ""))
        if not is_size:
            expected = "the size of a load balancer in the cloud's words, such as slb.s2.small"
            effect = (
                "an internal one holds, none public" if is_off else "the cloud chooses the size"
            )
            report(key, value, expected, effect)
    return tuple(asked[internal] for internal in sorted(asked))


def _text(value: int | str | None, absent: str) -> str:
    """A scalar as text; an empty one is as good as none."""
    return absent if value is None or value == "" else str(value)


def _is_load_balancer_size(text: str) -> bool:
    return bool(_LOAD_BALANCER_SIZE.fullmatch(text)) and text.lower() not in _OFF | _ON


def _alb_shape(gateway: Ref, config: AlbConfig, settings: ManagedSettings) -> Shape:
    """An AlbConfig has no fields for the number of Envoys and their size, but annotations."""
    instance, annotations = config.spec.config, config.metadata.annotations
    internal = _INTERNAL.get(_text(instance.address_type, "Internet").lower())
    problems: list[Problem] = []

    def report(key: str, value: object, expected: str, effect: str) -> None:
        reason = "InvalidAnnotation" if key in annotations else "InvalidField"
        problems.append(Problem(gateway, reason, key, str(value), expected, effect))

    asked = annotations.get(INSTANCE_REPLICAS, "").strip()
    number = int(asked) if asked.isdecimal() and len(asked) < 10 else asked or None
    replicas = _replicas(INSTANCE_REPLICAS, number, report)
    size = _size(INSTANCE_SPEC, annotations.get(INSTANCE_SPEC, "").strip() or None, report)

    if internal is None:
        expected, effect = "Internet or Intranet", "Intranet holds: nothing is opened by mistake"
        report("spec.config.addressType", instance.address_type, expected, effect)
    entries = read_gateway(gateway, config).entries
    ports = dict.fromkeys(entry.at.port for entry in entries if settings.bind.takes(entry.at))
    return Shape(
        replicas,
        size,
        load_balancers=(LoadBalancer(internal is not False),),
        # A Service has at least one port. Where nothing listens, it keeps its address with this.
        ports=tuple(ports) or (HTTP_PORT,),
        vary=True,
        problems=tuple(problems),
    )
