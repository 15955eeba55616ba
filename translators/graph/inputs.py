"""The inputs of translation: declared objects, the state of members, and the state of gateways."""

from datetime import datetime
from typing import Final

from fleet.member_settings import MemberSettings
from fleet.models import (
    EndpointSlice,
    GatewayObject,
    Ingress,
    IngressClass,
    Node,
    Pod,
    Secret,
    Service,
)
from fleet.ref import Ref
from fleet.state import Origin
from translators.graph.derive import Graph, Input
from translators.model.binds import Bind
from translators.model.certificates import Certificate
from translators.model.statuses import Refusal, Runtime

NOW: Final = "now"
"""The only key of the input for the time."""


class Inputs:
    """All inputs of one translator."""

    def __init__(self, graph: Graph) -> None:
        # objects, by their Refs
        self.ingresses = Input[Ref, Ingress](graph, "ingresses")
        self.classes = Input[Ref, IngressClass](graph, "classes")
        self.configs = Input[Ref, GatewayObject](graph, "configs")
        self.secrets = Input[Ref, Secret](graph, "secrets")
        self.services = Input[Ref, Service](graph, "services")
        self.slices = Input[Ref, EndpointSlice](graph, "slices")
        self.pods = Input[Ref, Pod](graph, "pods")
        self.nodes = Input[Ref, Node](graph, "nodes")
        # Secrets that are about to be read
        self.awaited = Input[Ref, bool](graph, "awaited")
        # the last usable certificates of Secrets that have none, or an ended one
        self.last_certificates = Input[Ref, Certificate](graph, "last certificates")
        # gateways whose object cannot be read, and all gateways including these
        self.refusals = Input[Ref, Refusal](graph, "refusals")
        self.gateway_refs = Input[Ref, bool](graph, "gateway refs")
        # deleted IngressClasses, each with the gateway that it stood for
        self.lost_classes = Input[Ref, Ref](graph, "lost classes")
        # members, by their IDs
        self.origins = Input[str, Origin](graph, "origins")
        self.settings = Input[str, MemberSettings](graph, "settings of members")
        # what the running process knows of gateways: binds, state of Envoys, observed addresses
        self.binds = Input[Ref, Bind](graph, "binds")
        self.runtimes = Input[Ref, Runtime](graph, "runtimes")
        self.addresses = Input[Ref, tuple[str, ...]](graph, "addresses")
        # the present time under the key NOW, to the hour; none if nobody has told it
        self.time = Input[str, datetime](graph, "time")
