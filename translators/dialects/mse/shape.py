"""The Envoys and load balancers that a MseIngressConfig asks for.

A default stands in for a value that cannot be read. A load balancer is public only by the key for
public ones. With a size such as "none" under that key, it is internal. An object that names no
load balancer gets the default.
"""

import re
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.mse.objects import MseIngressConfig, MseNetwork
from translators.dialects.shapes import Report, replicas_of, size_of_envoy, text_of
from translators.model.binds import Bind
from translators.model.shapes import LoadBalancer, Shape

_LOAD_BALANCER_SIZE: Final = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?")

_OFF: Final = frozenset({"0", "false", "no", "none", "null", "off"})

_ON: Final = frozenset({"true", "yes", "on"})
"""Together with _OFF, the values of a user who takes the field for a switch, and not for a size."""


def mse_shape(gateway: Ref, config: MseIngressConfig, _bind: Bind) -> Shape:
    """Read the shape of an MSE gateway from the fields of its MseIngressConfig."""
    instance, network = config.spec.common.instance, config.spec.common.network
    default = Shape()
    problems: list[Problem] = []

    def report(key: str, value: object, expected: str, effect: str) -> None:
        at = f"spec.common.{key}"
        problems.append(Problem(gateway, "InvalidField", at, str(value), expected, effect))

    replicas = replicas_of("instance.replicas", instance.replicas, report)
    size = size_of_envoy("instance.spec", instance.spec, report)
    load_balancers = _mse_load_balancers(network, report) or default.load_balancers
    return Shape(replicas, size, load_balancers, problems=tuple(problems))


def _mse_load_balancers(network: MseNetwork, report: Report) -> tuple[LoadBalancer, ...]:
    asked: dict[bool, LoadBalancer] = {}
    for key, value, is_public in (
        ("network.privateSLBSpec", network.private_slb_spec, False),
        ("network.publicSLBSpec", network.public_slb_spec, True),
    ):
        if not (written := text_of(value, "")):
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


def _is_load_balancer_size(text: str) -> bool:
    return bool(_LOAD_BALANCER_SIZE.fullmatch(text)) and text.lower() not in _OFF | _ON
