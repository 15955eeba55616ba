"""What a gateway consists of on the hub: one golden file, and the rules behind it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from fleetgate.hub.managed.bootstrap import FILE
from fleetgate.hub.managed.manifests import certificate_object, objects
from fleetgate.hub.managed.settings import LoadBalancerSettings, ManagedSettings
from fleetgate.hub.managed.workload_names import (
    BOOTSTRAP_ANNOTATION,
    labels_of,
    secret_name,
    workload_name,
)
from tests.managed.rig import alb, annotated, gateway, read
from translators.dialects import DIALECTS
from translators.dialects.edge_settings import HTTP3
from translators.model.binds import Bind

HERE = Path(__file__).parent
DOCUMENTS = HERE.parent / "crds" / "documents"
Json: TypeAlias = Any  # as an API server takes it

SETTINGS = ManagedSettings()
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def objects_of(
    manifest: Json, settings: ManagedSettings = SETTINGS, uid: str = ""
) -> dict[str, Json]:
    """The objects by kind, Services by name."""
    ref, config = read({**manifest, "metadata": {**manifest["metadata"], "uid": uid}})
    found = (*objects(ref, config, settings), certificate_object(ref, config, settings))
    return {
        manifest["metadata"]["name"]
        if manifest["kind"] == "Service"
        else manifest["kind"]: manifest
        for manifest in found
    }


def pod_of(manifest: Json, settings: ManagedSettings = SETTINGS) -> Json:
    """The template of the Pods."""
    return objects_of(manifest, settings)["Deployment"]["spec"]["template"]


def container_of(manifest: Json, settings: ManagedSettings = SETTINGS) -> Json:
    (container,) = pod_of(manifest, settings)["spec"]["containers"]
    return container


def bootstrap_of(manifest: Json, settings: ManagedSettings = SETTINGS) -> Json:
    return yaml.safe_load(objects_of(manifest, settings)["ConfigMap"]["data"][FILE])


class _Readable(yaml.SafeDumper):
    """Texts of several lines as such."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, "|" if "\n" in value else None)


_Readable.add_representer(str, _text)


def test_the_documents_gateway_gives_these_objects(request: pytest.FixtureRequest) -> None:
    golden = HERE / "ackone-gateway.yaml"
    ref, config = read(yaml.safe_load((DOCUMENTS / "mseingressconfig.yaml").read_text()))
    found = objects(ref, config, SETTINGS)
    for manifest in found:
        if manifest["kind"] == "ConfigMap":  # changes with every change to what Envoys join by
            manifest["data"] = dict.fromkeys(manifest["data"], "...")
        if manifest["kind"] == "Deployment":
            manifest["spec"]["template"]["metadata"]["annotations"][BOOTSTRAP_ANNOTATION] = "..."
    text = yaml.dump_all(found, Dumper=_Readable, sort_keys=False, width=120)
    if request.config.getoption("--golden-update"):
        golden.write_text(text)

    assert text == golden.read_text()


def test_all_of_it_is_labelled_and_in_fleetgates_namespace() -> None:
    ref, _ = read(gateway())
    for manifest in objects_of(gateway(), replace(SETTINGS, namespace="gates")).values():
        assert manifest["metadata"]["labels"] == labels_of(DIALECTS.name_of(ref))
        assert manifest["metadata"]["namespace"] == "gates"


def test_all_of_it_goes_with_the_gateway() -> None:
    for manifest in objects_of(gateway(), uid="u-1").values():
        (owner,) = manifest["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("MseIngressConfig", "shop", "u-1")


def test_what_an_alb_gateway_consists_of_goes_with_it() -> None:
    for manifest in objects_of(alb("web", 80), uid="u-1").values():
        (owner,) = manifest["metadata"]["ownerReferences"]
        assert (owner["apiVersion"], owner["kind"]) == ("alibabacloud.com/v1", "AlbConfig")
        assert (owner["name"], owner["uid"], owner["controller"]) == ("web", "u-1", True)


def test_the_service_of_an_alb_gateway_has_the_ports_of_its_listeners() -> None:
    settings = replace(SETTINGS, bind=Bind(port_offset=10000))
    found = objects_of(alb("web", 80, 8001, addressType="Intranet"), settings)

    ports = found["envoy-alb-web-internal"]["spec"]["ports"]
    assert [(p["name"], p["port"], p["targetPort"]) for p in ports] == [
        ("port-80", 80, 10080),
        ("port-8001", 8001, 18001),
    ]
    assert "envoy-alb-web" not in found


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(alb("web", 8001), id="other-port"),
        pytest.param(alb("web", 80, 8001), id="one-more"),
        pytest.param(alb("web"), id="none"),
        pytest.param(alb("web", 80, addressType="Intranet"), id="internal"),
    ],
)
def test_pods_of_an_alb_gateway_stay_when_its_listeners_change(manifest: Json) -> None:
    """They are allowed any port from the start, and Envoy opens new ones while it runs."""
    assert pod_of(manifest) == pod_of(alb("web", 80))
    (sysctl,) = pod_of(manifest)["spec"]["securityContext"]["sysctls"]
    assert sysctl == {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}


def test_the_size_is_what_envoy_gets_and_keeps_to() -> None:
    asked = gateway(instance={"spec": "2c4g"})

    container = container_of(asked)
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"memory": "4Gi"},
    }
    args = container["args"]
    assert args[args.index("--concurrency") + 1] == "2"
    (heap, _) = bootstrap_of(asked)["overload_manager"]["resource_monitors"]
    assert heap["typed_config"]["max_heap_size_bytes"] < 4 * 2**30


def test_pods_are_allowed_nothing_that_envoy_does_not_need() -> None:
    spec = pod_of(gateway())["spec"]

    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"] == RESTRICTED


@pytest.mark.parametrize(
    ("offset", "sysctls"),
    [
        pytest.param(
            0, [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}], id="port-80"
        ),
        pytest.param(10000, None, id="port-10080"),
    ],
)
def test_ports_below_1024_are_opened_to_a_user_that_is_not_root(
    offset: int, sysctls: object
) -> None:
    settings = replace(SETTINGS, bind=Bind(port_offset=offset))
    found = objects_of(gateway(), settings)

    pod = found["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"].get("sysctls") == sysctls
    ports = found["envoy-mse-shop"]["spec"]["ports"]
    assert [(p["port"], p["targetPort"]) for p in ports] == [(80, 80 + offset), (443, 443 + offset)]


def test_http3_is_a_port_of_the_service_and_the_pods_stay() -> None:
    asked = annotated(gateway(), {HTTP3: "true"})
    settings = replace(SETTINGS, bind=Bind(port_offset=10000))

    ports = objects_of(asked, settings)["envoy-mse-shop"]["spec"]["ports"]
    assert [(p["name"], p["port"], p["targetPort"], p["protocol"]) for p in ports] == [
        ("port-80", 80, 10080, "TCP"),
        ("port-443", 443, 10443, "TCP"),
        ("quic-443", 443, 10443, "UDP"),
    ]
    assert pod_of(asked) == pod_of(gateway())


def test_a_pod_has_the_time_to_drain() -> None:
    settings = replace(SETTINGS, drain=timedelta(seconds=90))

    assert (
        "sleep 90\n"
        in container_of(gateway(), settings)["lifecycle"]["preStop"]["exec"]["command"][-1]
    )
    assert pod_of(gateway(), settings)["spec"]["terminationGracePeriodSeconds"] > 90


@pytest.mark.parametrize(
    ("manifest", "settings", "rolls"),
    [
        pytest.param(gateway(), SETTINGS, False, id="nothing"),
        pytest.param(gateway(instance={"replicas": 5}), SETTINGS, False, id="replicas"),
        pytest.param(gateway(network={"privateSLBSpec": "s1"}), SETTINGS, False, id="balancer"),
        pytest.param(gateway(instance={"spec": "2c4g"}), SETTINGS, True, id="size"),
        pytest.param(gateway(), replace(SETTINGS, xds_port=19000), True, id="bootstrap"),
        pytest.param(gateway(), replace(SETTINGS, image="envoy:1"), True, id="image"),
    ],
)
def test_pods_are_replaced_only_where_they_would_differ(
    manifest: Json, settings: ManagedSettings, rolls: bool
) -> None:
    assert (pod_of(manifest, settings) != pod_of(gateway())) is rolls


def test_pods_do_not_depend_on_their_certificate() -> None:
    """Envoy follows the files; a hash of them would replace all Pods at each renewal."""
    manifest = objects_of(gateway())["Secret"]

    assert "data" not in manifest
    assert manifest["type"] == "kubernetes.io/tls"


def test_xds_in_clear_mounts_no_certificate() -> None:
    mounts = container_of(gateway(), replace(SETTINGS, xds_server_name=""))["volumeMounts"]

    assert [mount["name"] for mount in mounts] == ["bootstrap"]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        pytest.param({}, {"envoy-mse-shop": "internet"}, id="default"),
        pytest.param(
            {"privateSLBSpec": "slb.s1.small"},
            {"envoy-mse-shop-internal": "intranet"},
            id="internal",
        ),
        pytest.param(
            {"privateSLBSpec": "slb.s1.small", "publicSLBSpec": "slb.s1.small"},
            {"envoy-mse-shop": "internet", "envoy-mse-shop-internal": "intranet"},
            id="both",
        ),
    ],
)
def test_public_and_internal_load_balancers_are_services_of_their_own(
    network: Json, expected: dict[str, str]
) -> None:
    key = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type"
    services = {
        name: manifest["metadata"]["annotations"][key]
        for name, manifest in objects_of(gateway(network=network)).items()
        if manifest["kind"] == "Service"
    }

    assert services == expected


def test_what_the_cloud_is_told_can_be_chosen() -> None:
    cloud = LoadBalancerSettings({"cloud/public": "1"}, {"cloud/internal": "1"}, "", "mine")
    asked = gateway(network={"privateSLBSpec": "s1", "publicSLBSpec": "s1"})
    found = objects_of(asked, replace(SETTINGS, load_balancer=cloud))

    public, internal = found["envoy-mse-shop"], found["envoy-mse-shop-internal"]
    assert public["metadata"]["annotations"] == {"cloud/public": "1"}
    assert internal["metadata"]["annotations"] == {"cloud/internal": "1"}
    assert public["spec"]["loadBalancerClass"] == "mine"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("shop", "envoy-mse-shop", id="short"),
        pytest.param("shop.example", "envoy-mse-shop-example-", id="dots"),
        pytest.param("x" * 253, "envoy-mse-xxx", id="longest"),
        pytest.param("9to5", "envoy-mse-9to5", id="digit-first"),
    ],
)
def test_names_fit_whatever_carries_them(name: str, expected: str) -> None:
    assert workload_name(f"mse/{name}").startswith(expected)
    assert len(f"{workload_name(f'mse/{name}')}-internal") <= 63
    assert len(f"{workload_name(f'mse/{name}')}-7d4b9cf5f6-x2x4z") <= 63
    assert len(secret_name(f"mse/{name}")) <= 63


def test_two_gateways_never_share_a_name() -> None:
    names = ["a.b", "a-b", "x" * 100, "x" * 101]

    found = {workload_name(f"mse/{name}") for name in names}
    assert len(found) == len(names)
