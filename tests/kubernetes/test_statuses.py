"""kubectl shows the statuses of gateways and Ingresses, and no other object is written."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml

from fleetgate.demo.loopback import Loopback
from tests.kubernetes.rig import HOME, name_member
from tests.support import running_fleet as manifests
from tests.support.ads_client import ads_client
from tests.support.builders import alb_class, alb_gateway
from tests.support.kube import Cluster, Clusters
from tests.support.process import Fleetgate, fleetgate, until
from xds.resource import TypeUrl

GATEWAY = "ackone-gateway"
NAME = f"mse/{GATEWAY}"
DESTINATION = "mse.ingress.kubernetes.io/destination"
OF_WEB = "involvedObject.name=web"


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.install_crds()
    clusters.hub.namespace(HOME)
    return clusters.hub


@contextmanager
def serve(
    hub: Cluster, place: Path, *options: str, bind: Sequence[str] = ("--bind", "192.0.2.9")
) -> Iterator[Fleetgate]:
    free = ("--xds-port", "0", "--admin-port", "0")
    bind = () if "--manage-gateways" in options else bind
    command = ("serve", "--hub-kubeconfig", str(hub.kubeconfig), *free, *bind, *options)
    with fleetgate(place / "fleetgate.log", *command) as serving:
        yield serving


def declare(hub: Cluster, *texts: str) -> None:
    hub.kubectl("apply", "-f", "-", stdin="".join(texts))


def shown(hub: Cluster, *wanted: str) -> None:
    """Wait until `kubectl get mseingressconfig` prints this row, apart from the age."""
    last: list[str] = []

    def there() -> bool:
        head, row = hub.kubectl("get", "mseingressconfig", GATEWAY).splitlines()
        assert head.split() == ["NAME", "STATUS", "AGE"]
        last[:] = row.split()
        return last[:-1] == [GATEWAY, *wanted]

    until(there, why=lambda: str(last))


def field(hub: Cluster, what: str, path: str) -> str:
    return hub.kubectl("get", *what.split(), f"-ojsonpath={{{path}}}")


def test_a_gateway_walks_pending_running_listening(hub: Cluster, tmp_path: Path) -> None:
    with serve(hub, tmp_path) as serving:
        declare(hub, manifests.gateway(GATEWAY, []))
        shown(hub, "Pending")
        serving.sync()
        with ads_client(serving.xds_port, NAME) as client:
            client.request(TypeUrl.LISTENER)
            response = client.hear()
            shown(hub, "Running")
            client.acknowledge(response)
            shown(hub, "Listening")
        shown(hub, "Pending")
        observed = field(hub, f"mseingressconfig {GATEWAY}", ".status.observedGeneration")
        assert observed == field(hub, f"mseingressconfig {GATEWAY}", ".metadata.generation")


def test_a_gateway_whose_envoy_refuses_its_listeners_has_failed(
    hub: Cluster, tmp_path: Path
) -> None:
    declare(hub, manifests.gateway(GATEWAY, []))
    with serve(hub, tmp_path) as serving:
        serving.sync()  # both listeners come in one answer once the hub has been read
        with ads_client(serving.xds_port, NAME) as client:
            client.request(TypeUrl.LISTENER)
            for _ in ("both listeners", "the first one alone", "the second one alone"):
                client.refuse(client.hear(), "no such filter")
            shown(hub, "Failed")
            message = field(hub, f"mseingressconfig {GATEWAY}", ".status.message")
            assert message.startswith("Envoy refused ")
            assert "no such filter" in message


def test_a_gateway_whose_objects_the_hub_refuses_has_failed(hub: Cluster, tmp_path: Path) -> None:
    with serve(hub, tmp_path, "--manage-gateways", "--load-balancer-class", "no class"):
        declare(hub, manifests.gateway(GATEWAY, []))
        shown(hub, "Failed")
        assert "spec.loadBalancerClass" in field(
            hub, f"mseingressconfig {GATEWAY}", ".status.message"
        )


def test_what_the_hub_refuses_is_an_event_of_the_gateway_also_while_it_listens(
    hub: Cluster, tmp_path: Path
) -> None:
    declare(hub, manifests.gateway(GATEWAY, []))
    options = ("--manage-gateways", "--load-balancer-class", "no class")
    with serve(hub, tmp_path, *options) as serving, ads_client(serving.xds_port, NAME) as client:
        client.request(TypeUrl.LISTENER)
        client.acknowledge(client.hear())
        shown(hub, "Listening")
        until(lambda: "RefusedByHub" in hub.kubectl("describe", "mseingressconfig", GATEWAY))
        said = hub.kubectl("describe", "mseingressconfig", GATEWAY)
        assert f"Service envoy-mse-{GATEWAY}" in said
        assert "spec.loadBalancerClass" in said


def test_an_attached_cluster_that_nobody_knows_is_marked(
    clusters: Clusters, hub: Cluster, tmp_path: Path
) -> None:
    name_member(hub, "c7fb82", clusters.c1.config())
    declare(hub, manifests.gateway(GATEWAY, ["c7fb82", "c9"]))
    with serve(hub, tmp_path):
        there = (f"mseingressconfig {GATEWAY}", ".status.remoteClusters")
        until(lambda: "Failed" in field(hub, *there))
        well, unknown = json.loads(field(hub, *there))
        assert well == {"clusterId": "c7fb82"}
        assert (unknown.pop("clusterId"), unknown.pop("status")) == ("c9", "Failed")
        assert unknown.keys() == {"message"}
        name_member(hub, "c9", clusters.c1.config())
        until(lambda: field(hub, *there) == '[{"clusterId":"c7fb82"},{"clusterId":"c9"}]')


def test_an_alb_gateway_shows_its_id_name_listeners_and_clusters(
    clusters: Clusters, hub: Cluster, tmp_path: Path
) -> None:
    name_member(hub, "c7fb82", clusters.c1.config())
    gateway = alb_gateway("alb", members=["c7fb82", "c9"], ports=[8001, "8002"])
    declare(hub, *(yaml.safe_dump(each.manifest) + "---\n" for each in (gateway, alb_class("alb"))))
    with serve(hub, tmp_path) as serving, ads_client(serving.xds_port, "alb/alb") as client:
        client.request(TypeUrl.LISTENER)
        client.acknowledge(client.hear())
        conditions = ("albconfig alb", ".status.conditions[*].status")
        until(lambda: field(hub, *conditions) == "True False")
        head, row = hub.kubectl("get", "albconfig", "alb").splitlines()
        assert head.split() == ["NAME", "ALBID", "DNSNAME", "PORT&PROTOCOL", "CERTID", "AGE"]
        assert row.split()[:4] == ["alb", "alb-alb", "192.0.2.9", "8001/HTTP"]
        listeners = field(hub, "albconfig alb", ".status.loadBalancer.listeners[*].portAndProtocol")
        assert listeners == "8001/HTTP 8002/HTTP"
        there = ("albconfig alb", ".status.loadBalancer.subClusters")
        assert field(hub, *there) == '["c7fb82"]'
        until(lambda: "MemberNotFound" in hub.kubectl("describe", "albconfig", "alb"))
        name_member(hub, "c9", clusters.c1.config())
        until(lambda: field(hub, *there) == '["c7fb82","c9"]')
        until(lambda: field(hub, *conditions) == "True True")


def test_an_ingress_has_the_address_of_its_gateway_as_long_as_there_is_one(
    hub: Cluster, tmp_path: Path
) -> None:
    address = ("ingress web", ".status.loadBalancer")
    with serve(hub, tmp_path):
        declare(hub, manifests.gateway(GATEWAY, []), manifests.ingress())
        until(lambda: field(hub, *address) == '{"ingress":[{"ip":"192.0.2.9"}]}')
        hub.kubectl("delete", "mseingressconfig", GATEWAY)
        until(lambda: field(hub, *address) == "{}")


def test_a_problem_is_an_event_on_its_object(hub: Cluster, tmp_path: Path) -> None:
    wrong = manifests.ingress(host="shop.example", annotations={DESTINATION: "nonsense"})
    declare(hub, manifests.gateway(GATEWAY, []), wrong)
    with serve(hub, tmp_path):
        until(lambda: DESTINATION in hub.kubectl("get", "events", "--field-selector", OF_WEB))


def test_a_problem_of_the_gateway_is_no_event_on_its_ingresses(
    hub: Cluster, tmp_path: Path
) -> None:
    wrong = manifests.ingress(host="shop.example", annotations={DESTINATION: "nonsense"})
    declare(hub, manifests.gateway(GATEWAY, []), wrong)
    with serve(hub, tmp_path):
        until(lambda: "NoMembers" in hub.kubectl("describe", "mseingressconfig", GATEWAY))
        until(lambda: DESTINATION in hub.kubectl("get", "events", "--field-selector", OF_WEB))
        assert "NoMembers" not in hub.kubectl("get", "events", "--field-selector", OF_WEB)


@pytest.mark.parametrize(
    "bind",
    [
        pytest.param([], id="all-addresses"),
        pytest.param(["--bind", "127.0.0.9"], id="loopback"),
        pytest.param(["--bind", "::1"], id="loopback-of-ipv6"),
    ],
)
def test_an_address_that_is_none_for_others_is_not_published_but_asked_for(
    hub: Cluster, tmp_path: Path, bind: list[str]
) -> None:
    address = ("ingress web", ".status.loadBalancer")
    declare(hub, manifests.gateway(GATEWAY, []), manifests.ingress())
    with serve(hub, tmp_path, bind=bind):
        until(lambda: "NoAddress" in hub.kubectl("describe", "mseingressconfig", GATEWAY))
        assert "Argo CD" in hub.kubectl("describe", "mseingressconfig", GATEWAY)
        shown(hub, "Pending")
        assert field(hub, *address) == "{}"
        key = "fleetgate.dev/addresses"
        hub.kubectl("annotate", "mseingressconfig", GATEWAY, f"{key}=127.0.0.1,203.0.113.9")
        until(lambda: field(hub, *address) == '{"ingress":[{"ip":"203.0.113.9"}]}')


def test_up_writes_nothing_on_a_hub_unless_it_is_told_to(
    hub: Cluster, tmp_path: Path, real_envoy: None
) -> None:
    declare(hub, manifests.gateway(GATEWAY, []), manifests.ingress())
    before = versions(hub)
    with closing(Loopback()) as loopback:
        free = ("--xds-port", "0", "--admin-port", "0", "--port-offset", "10000")
        bind = ("--bind", next(iter(loopback.addresses("gateways"))))
        command = ("up", "--hub-kubeconfig", str(hub.kubeconfig), *free, *bind)
        with fleetgate(tmp_path / "up.log", *command) as up:
            up.sync()
            assert up.status()["gateways"][0]["phase"] == "Listening"
            assert versions(hub) == before
        with fleetgate(tmp_path / "told.log", *command, "--write-status"):
            shown(hub, "Listening")
            assert field(hub, "ingress web", ".status.loadBalancer") == "{}"


def test_nothing_is_written_where_that_is_switched_off(hub: Cluster, tmp_path: Path) -> None:
    declare(hub, manifests.gateway(GATEWAY, []), manifests.ingress())
    before = versions(hub)
    with serve(hub, tmp_path, "--no-status") as serving:
        serving.sync()
        with ads_client(serving.xds_port, NAME) as client:
            client.request(TypeUrl.LISTENER)
            client.acknowledge(client.hear())
            until(lambda: serving.status()["gateways"][0]["phase"] == "Listening")
    assert versions(hub) == before


def versions(hub: Cluster) -> list[str]:
    """The version of every object of the kinds that fleetgate writes, by name."""
    kinds = "mseingressconfigs,ingresses,events,leases,secrets"
    names = "KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name"
    columns = f"-ocustom-columns={names},VERSION:.metadata.resourceVersion"
    rows = hub.kubectl("get", kinds, "-A", columns).splitlines()
    return [row for row in rows if row.split()[1] != "kube-system"]
