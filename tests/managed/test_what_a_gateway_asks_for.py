"""The fields of a gateway's object that say how its Envoys are run."""

from typing import Any, TypeAlias

import pytest

from fleet.events import Upserted
from fleet.parse import parse
from fleet.ref import HUB
from fleetgate.hub.managed.settings import OWN_PORTS, ManagedSettings
from tests.managed.rig import alb, gateway, read
from translators.dialects import DIALECTS
from translators.dialects.mse.objects import MseIngressConfig
from translators.model.binds import Bind
from translators.model.shapes import LoadBalancer, Shape, Size

Json: TypeAlias = Any  # as YAML has it

PUBLIC = LoadBalancer(internal=False)
INTERNAL = LoadBalancer(internal=True)


def shape_of(spec: object) -> Shape:
    """The shape of a gateway, read as a source reads it."""
    parsed = parse({**gateway(), "spec": spec}, HUB, "test", DIALECTS.kinds)
    assert isinstance(parsed, Upserted)
    assert isinstance(parsed.value, MseIngressConfig)
    assert parsed.problems == ()
    return DIALECTS.shape(parsed.ref, parsed.value, ManagedSettings().bind)


def alb_shape_of(manifest: Json, settings: ManagedSettings | None = None) -> Shape:
    """The shape of an AlbConfig."""
    return DIALECTS.shape(*read(manifest), (settings or ManagedSettings()).bind)


def instance(**fields: Json) -> Json:
    return {"common": {"instance": fields}}


def network(**fields: Json) -> Json:
    return {"common": {"network": fields}}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"common": None}, id="null"),
        pytest.param({"common": {"instance": {}, "network": {}}}, id="empty"),
        pytest.param({"common": {"network": {"vSwitches": ["vsw-1"]}}}, id="switches-only"),
    ],
)
def test_without_a_word_three_envoys_of_4c8g_run_behind_a_public_load_balancer(
    spec: object,
) -> None:
    shape = shape_of(spec)

    assert (shape.replicas, str(shape.size)) == (3, "4c8g")
    assert shape.load_balancers == (PUBLIC,)
    assert shape.problems == ()


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        pytest.param("2c4g", Size(2, 4), id="2c4g"),
        pytest.param("1c1g", Size(1, 1), id="smallest"),
        pytest.param("16c32g", Size(16, 32), id="16c32g"),
        pytest.param(" 2c4g ", Size(2, 4), id="blanks"),
    ],
)
def test_a_size_is_cores_and_memory(spec: str, size: Size) -> None:
    shape = shape_of(instance(spec=spec))

    assert shape.size == size
    assert shape.problems == ()


@pytest.mark.parametrize("replicas", [1, 2, 100])
def test_a_gateway_has_as_many_envoys_as_it_asks_for(replicas: int) -> None:
    assert shape_of(instance(replicas=replicas)).replicas == replicas


@pytest.mark.parametrize(
    ("replicas", "message"),
    [
        pytest.param(0, "'0' (expected an integer from 1 to 100)", id="none"),
        pytest.param(-1, "'-1' (expected an integer from 1 to 100)", id="negative"),
        pytest.param(101, "'101' (expected an integer from 1 to 100)", id="too-many"),
        pytest.param("3", "'3' (expected an integer from 1 to 100, without quotes)", id="quoted"),
        pytest.param(2.5, "'2.5' (expected an integer from 1 to 100)", id="broken-number"),
        pytest.param(True, "'true' (expected an integer from 1 to 100)", id="boolean"),
        pytest.param("many", "'many' (expected an integer from 1 to 100)", id="word"),
        pytest.param([3], "'a list' (expected an integer from 1 to 100)", id="list"),
        pytest.param({"min": 3}, "'a mapping' (expected an integer from 1 to 100)", id="mapping"),
        pytest.param("\ud800", r"'\\ud800' (expected an integer from 1 to 100)", id="no-text"),
    ],
)
def test_replicas_that_cannot_be_read_leave_three(replicas: object, message: str) -> None:
    shape = shape_of(instance(replicas=replicas, spec="2c4g"))

    (problem,) = shape.problems
    assert problem.message == f"spec.common.instance.replicas: {message}; 3 Envoys run"
    assert (shape.replicas, shape.size) == (3, Size(2, 4))


@pytest.mark.parametrize(
    "spec", ["2c4gb", "2C4G", "2c", "0c4g", "2c0g", "2c4g8", "c4g", 24, "", ["2c4g"], "1000c1g"]
)
def test_a_size_that_cannot_be_read_leaves_4c8g(spec: object) -> None:
    shape = shape_of(instance(replicas=2, spec=spec))

    (problem,) = shape.problems
    assert problem.key == "spec.common.instance.spec"
    assert problem.expected == "the cores and the GiB of memory of an Envoy, such as 2c4g"
    assert problem.effect == "4c8g holds"
    assert (shape.replicas, shape.size) == (2, Size(4, 8))


@pytest.mark.parametrize(
    ("spec", "load_balancers"),
    [
        pytest.param(
            network(publicSLBSpec="slb.s2.small"),
            [LoadBalancer(False, "slb.s2.small")],
            id="public",
        ),
        pytest.param(
            network(privateSLBSpec="slb.s1.small"),
            [LoadBalancer(True, "slb.s1.small")],
            id="internal",
        ),
        pytest.param(
            network(privateSLBSpec="slb.s1.small", publicSLBSpec="slb.s2.small"),
            [LoadBalancer(False, "slb.s2.small"), LoadBalancer(True, "slb.s1.small")],
            id="both",
        ),
        pytest.param(network(publicSLBSpec="", privateSLBSpec=""), [PUBLIC], id="empty"),
    ],
)
def test_load_balancers_are_public_or_internal(
    spec: object, load_balancers: list[LoadBalancer]
) -> None:
    shape = shape_of(spec)

    assert list(shape.load_balancers) == load_balancers
    assert shape.problems == ()


@pytest.mark.parametrize("size", [["slb.s2.small"], {"size": 2}, "slb s2", "x" * 64, True])
def test_an_internal_load_balancer_stays_internal_whatever_its_size_says(size: object) -> None:
    shape = shape_of(network(privateSLBSpec=size))

    assert shape.load_balancers == (INTERNAL,)
    (problem,) = shape.problems
    assert problem.key == "spec.common.network.privateSLBSpec"
    assert problem.effect == "the cloud chooses the size"


@pytest.mark.parametrize("size", [["slb.s2.small"], {"size": 2}, "slb s2", "x" * 64, True, "yes"])
def test_a_public_load_balancer_stays_public_whatever_its_size_says(size: object) -> None:
    shape = shape_of(network(publicSLBSpec=size))

    assert shape.load_balancers == (PUBLIC,)
    (problem,) = shape.problems
    assert problem.effect == "the cloud chooses the size"


@pytest.mark.parametrize("size", [False, "False", "none", 0, "off"])
@pytest.mark.parametrize(
    ("beside", "load_balancer"),
    [
        pytest.param({}, INTERNAL, id="alone"),
        pytest.param(
            {"privateSLBSpec": "slb.s1.small"}, LoadBalancer(True, "slb.s1.small"), id="beside"
        ),
    ],
)
def test_a_size_that_says_no_opens_no_public_load_balancer(
    size: object, beside: Json, load_balancer: LoadBalancer
) -> None:
    shape = shape_of(network(publicSLBSpec=size, **beside))

    assert shape.load_balancers == (load_balancer,)
    (problem,) = shape.problems
    assert problem.key == "spec.common.network.publicSLBSpec"
    assert problem.effect == "an internal one holds, none public"


# -- AlbConfig ------------------------------------------------------------------------------------


def sized(**annotations: str) -> Json:
    manifest = alb("web", 80)
    named = {f"fleetgate.dev/instance-{name}": text for name, text in annotations.items()}
    manifest["metadata"]["annotations"] = named
    return manifest


@pytest.mark.parametrize(
    ("manifest", "replicas", "size"),
    [
        pytest.param(alb("web", 80), 3, "4c8g", id="as-there-are-no-fields-for-them"),
        pytest.param(sized(replicas="1", spec="1c2g"), 1, "1c2g", id="as-annotations-say"),
        pytest.param(sized(replicas=" 2 "), 2, "4c8g", id="fewer"),
        pytest.param(sized(spec="2c4g"), 3, "2c4g", id="smaller"),
        pytest.param(sized(replicas="", spec=" "), 3, "4c8g", id="empty"),
    ],
)
def test_an_alb_gateway_is_three_envoys_of_4c8g_unless_annotations_say_otherwise(
    manifest: Json, replicas: int, size: str
) -> None:
    shape = alb_shape_of(manifest)

    assert (shape.replicas, str(shape.size)) == (replicas, size)
    assert shape.problems == ()


@pytest.mark.parametrize(
    ("manifest", "key", "expected"),
    [
        pytest.param(sized(replicas="0"), "replicas", "an integer from 1 to 100", id="none"),
        pytest.param(sized(replicas="many"), "replicas", "an integer from 1 to 100", id="a-word"),
        pytest.param(sized(replicas="9" * 99), "replicas", "an integer from 1 to 100", id="huge"),
        pytest.param(sized(spec="small"), "spec", "the cores and the GiB of memory", id="a-size"),
    ],
)
def test_annotations_of_an_alb_gateway_that_cannot_be_read_leave_the_default(
    manifest: Json, key: str, expected: str
) -> None:
    shape = alb_shape_of(manifest)

    (problem,) = shape.problems
    assert (problem.reason, problem.key) == ("InvalidAnnotation", f"fleetgate.dev/instance-{key}")
    assert problem.expected.startswith(expected)
    assert (shape.replicas, str(shape.size)) == (3, "4c8g")


@pytest.mark.parametrize(
    ("config", "load_balancer"),
    [
        pytest.param({}, PUBLIC, id="nothing"),
        pytest.param({"addressType": ""}, PUBLIC, id="empty"),
        pytest.param({"addressType": "Internet"}, PUBLIC, id="internet"),
        pytest.param({"addressType": "Intranet"}, INTERNAL, id="intranet"),
        pytest.param({"addressType": "intranet"}, INTERNAL, id="other-letters"),
    ],
)
def test_the_address_type_makes_the_load_balancer_public_or_internal(
    config: Json, load_balancer: LoadBalancer
) -> None:
    shape = alb_shape_of(alb("web", 80, **config))

    assert shape.load_balancers == (load_balancer,)
    assert shape.problems == ()


@pytest.mark.parametrize(
    "written", ["Intranett", "Internett", "Extranet", " ", " Intranet", 0, 7, ["Intranet"], True]
)
def test_an_address_type_that_cannot_be_read_is_intranet(written: Json) -> None:
    shape = alb_shape_of(alb("web", 80, addressType=written))

    assert shape.load_balancers == (INTERNAL,)
    (problem,) = shape.problems
    assert problem.key == "spec.config.addressType"
    assert problem.expected == "Internet or Intranet"
    assert problem.effect == "Intranet holds: nothing is opened by mistake"


@pytest.mark.parametrize(
    ("listeners", "ports"),
    [
        pytest.param([(80, "HTTP")], (80,), id="one"),
        pytest.param([(8001, "HTTP"), ("80", "HTTP")], (8001, 80), id="several-in-their-order"),
        pytest.param([(80, "HTTP"), (80, "HTTP")], (80,), id="twice"),
        pytest.param([(80, "HTTP"), (443, "HTTPS")], (80, 443), id="https"),
        pytest.param([(80, "HTTP"), (0, "HTTP"), (81, "TCP")], (80,), id="unusable"),
        pytest.param([], (80,), id="none-keeps-the-load-balancer-with-one-port"),
        pytest.param([(0, "HTTP")], (80,), id="none-usable"),
    ],
)
def test_the_ports_are_those_of_the_listeners_that_are_served(
    listeners: list[tuple[Json, str]], ports: tuple[int, ...]
) -> None:
    """What is wrong with the others is said where they are translated."""
    manifest = alb("web")
    manifest["spec"]["listeners"] = [{"port": port, "protocol": name} for port, name in listeners]
    shape = alb_shape_of(manifest)

    assert shape.ports == ports
    assert shape.problems == ()


@pytest.mark.parametrize(
    ("offset", "taken"),
    [pytest.param(0, 19002, id="no-offset"), pytest.param(1000, 18002, id="offset")],
)
def test_a_port_that_envoys_in_pods_need_themselves_is_no_gateways(offset: int, taken: int) -> None:
    settings = ManagedSettings(bind=Bind(port_offset=offset, taken=OWN_PORTS))

    assert alb_shape_of(alb("web", 80, taken), settings).ports == (80,)


def test_a_port_that_the_offset_moves_beyond_the_last_is_left_out() -> None:
    settings = ManagedSettings(bind=Bind(port_offset=10000))

    assert alb_shape_of(alb("web", 80, 60000), settings).ports == (80,)
