"""The Envoys and the load balancer that an AlbConfig asks for.

A default stands in for a value that cannot be read, with one exception: an unreadable address type
makes the load balancer internal. An absent one makes it public, which is the default of ALB.
"""

from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.alb.listeners import read_entries
from translators.dialects.alb.objects import AlbConfig
from translators.dialects.shapes import replicas_of, size_of_envoy, text_of
from translators.model.binds import Bind
from translators.model.shapes import HTTP_PORT, LoadBalancer, Shape

INSTANCE_REPLICAS: Final = "fleetgate.dev/instance-replicas"
INSTANCE_SPEC: Final = "fleetgate.dev/instance-spec"
"""Annotations for the replicas and the size of Envoys, for which an AlbConfig has no fields."""

_INTERNAL: Final = {"internet": False, "intranet": True}
"""Whether a load balancer is internal, by `addressType` in lower case."""


def alb_shape(gateway: Ref, config: AlbConfig, bind: Bind) -> Shape:
    """Read the shape of an ALB gateway from the fields and annotations of its AlbConfig."""
    instance, annotations = config.spec.config, config.metadata.annotations
    internal = _INTERNAL.get(text_of(instance.address_type, "Internet").lower())
    problems: list[Problem] = []

    def report(key: str, value: object, expected: str, effect: str) -> None:
        reason = "InvalidAnnotation" if key in annotations else "InvalidField"
        problems.append(Problem(gateway, reason, key, str(value), expected, effect))

    asked = annotations.get(INSTANCE_REPLICAS, "").strip()
    number = int(asked) if asked.isdecimal() and len(asked) < 10 else asked or None
    replicas = replicas_of(INSTANCE_REPLICAS, number, report)
    size = size_of_envoy(INSTANCE_SPEC, annotations.get(INSTANCE_SPEC, "").strip() or None, report)

    if internal is None:
        expected, effect = "Internet or Intranet", "Intranet holds: nothing is opened by mistake"
        report("spec.config.addressType", instance.address_type, expected, effect)
    entries = read_entries(gateway, config.spec.listeners)[0].values()
    ports = dict.fromkeys(entry.at.port for entry in entries if bind.takes(entry.at))
    return Shape(
        replicas,
        size,
        load_balancers=(LoadBalancer(internal is not False),),
        # A Service needs at least one port. This one keeps its address while nothing listens.
        ports=tuple(ports) or (HTTP_PORT,),
        vary=True,
        problems=tuple(problems),
    )
