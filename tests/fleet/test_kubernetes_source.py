"""A source reads real API servers: members come and go, servers die, credentials change."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest

from fleet.events import Members, Upserted
from fleet.kubernetes.connection import ApiServer
from fleet.member_settings import Addressing, MemberGateway, MemberSettings
from fleet.models import Ingress, Node, Pod, Secret, Service
from fleet.pod_addresses import PodAddresses, read_networks
from fleet.ref import HUB
from fleet.sources.kubernetes import KubernetesSource
from tests.fleet.kubernetes_rig import HOME, KubernetesRig, declare, naming, withdraw
from tests.fleet.rigs import Listener, line, listening
from tests.support.builders import (
    Builder,
    alb_gateway,
    ingress,
    mse_gateway,
    node,
    pod,
    service,
)
from tests.support.kube import Clusters
from translators.dialects import DIALECTS

SHOP = ingress("shop", host="example.com").path("/", to="shop:80")
CART = service("cart", ports={"http": 80})
LATE = service("late", ports={"http": 80})


@pytest.fixture
def rig(clusters: Clusters) -> Iterator[KubernetesRig]:
    made = KubernetesRig(clusters)
    yield made
    made.close()


def play(rig: KubernetesRig, script: Callable[[Listener], Awaitable[None]]) -> None:
    async def run() -> None:
        async with listening(rig.source, rig.scenery) as listener:
            await listener.news()
            await script(listener)

    asyncio.run(run())


def attached(rig: KubernetesRig, *members: str) -> None:
    """Attach the only gateway to these members and to no others."""
    rig.put(mse_gateway("attaches-members", members=members, ingress_class=None))


def lost(listener: Listener, origin: str) -> Callable[[], bool]:
    def is_lost() -> bool:
        known = listener.state.origins.get(origin)
        return known is not None and not known.reachable

    return is_lost


def found(listener: Listener, origin: str) -> Callable[[], bool]:
    def is_found() -> bool:
        known = listener.state.origins.get(origin)
        return known is not None and known.listed and known.reachable

    return is_found


# -- servers --------------------------------------------------------------------------------------


def test_a_member_whose_server_dies_keeps_what_it_held(rig: KubernetesRig) -> None:
    rig.put(CART, service("gone"), origin="one")
    server = rig.servers["one"]

    async def script(listener: Listener) -> None:
        await asyncio.to_thread(server.kill)
        await listener.until(lost(listener, "one"))
        assert CART.ref("one") in listener.state.table(Service)
        assert listener.state.origins["one"].message.startswith(rig.cables["one"].url)
        rig.cables["one"].cut()
        await asyncio.to_thread(server.start)
        rig.remove(service("gone"), origin="one")
        rig.put(LATE, origin="one")
        listener.events.clear()
        rig.cables["one"].mend()
        await listener.until(found(listener, "one"))
        said = [line(event) for event in listener.events]
        assert said[-3:] == [
            "deleted Service default/gone in one",
            "upserted Service default/late in one",
            "listed one",
        ]
        rig.remove(LATE, origin="one")
        await listener.until(lambda: LATE.ref("one") not in listener.state.table(Service))

    play(rig, script)


def test_a_hub_whose_server_dies_keeps_its_objects_and_its_members(rig: KubernetesRig) -> None:
    rig.put(SHOP)

    async def script(listener: Listener) -> None:
        await asyncio.to_thread(rig.servers[HUB].kill)
        await listener.until(lost(listener, HUB))
        assert SHOP.ref() in listener.state.table(Ingress)
        rig.put(CART, origin="one")
        await listener.until(lambda: CART.ref("one") in listener.state.table(Service))
        await asyncio.to_thread(rig.servers[HUB].start)
        await listener.until(found(listener, HUB))
        rig.remove(SHOP)
        await listener.until(lambda: SHOP.ref() not in listener.state.table(Ingress))

    play(rig, script)


def test_members_that_cannot_be_reached_at_start_delay_nobody(rig: KubernetesRig) -> None:
    """One of them refuses connections, the other accepts them and sends nothing."""
    attached(rig, "one", "refusing", "silent")
    with socket.socket() as silent, socket.socket() as refusing:
        for end in (silent, refusing):
            end.bind(("127.0.0.1", 0))
        silent.listen()
        for name, end in (("silent", silent), ("refusing", refusing)):
            config = rig.kubeconfig("one")
            config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{end.getsockname()[1]}"
            declare(rig.servers[HUB], naming(name, config))

        async def run() -> None:
            async with listening(rig.source, rig.scenery) as listener:
                await listener.until(found(listener, HUB))
                await listener.until(found(listener, "one"))
                await listener.until(lost(listener, "refusing"))
                assert listener.state.origins["silent"].reachable
                await listener.until(lost(listener, "silent"))
                assert "no connection within 5 s" in listener.state.origins["silent"].message

        asyncio.run(run())


def test_a_member_that_lets_nobody_read_says_what_rbac_lacks(rig: KubernetesRig) -> None:
    server = rig.servers["one"]
    server.kubectl("create", "serviceaccount", "nobody", "--namespace=default")
    token = server.kubectl("create", "token", "nobody", "--namespace=default").strip()
    declare(rig.servers[HUB], naming("one", rig.kubeconfig("one", token)))

    async def script(listener: Listener) -> None:
        message = listener.state.origins["one"].message
        first = message.partition(" does not let fleetgate list ")[2].partition(":")[0]
        assert first in {"services", "endpointslices.discovery.k8s.io"}
        assert '"system:serviceaccount:default:nobody" cannot list' in message
        assert message.endswith(f"; its RBAC has to allow get, list and watch on {first}")
        server.kubectl(
            "create",
            "clusterrole",
            "reader",
            "--verb=get,list,watch",
            "--resource=services,endpointslices.discovery.k8s.io",
        )
        server.kubectl(
            "create",
            "clusterrolebinding",
            "reader",
            "--clusterrole=reader",
            "--serviceaccount=default:nobody",
        )
        await listener.until(found(listener, "one"))

    play(rig, script)


# -- members --------------------------------------------------------------------------------------


@pytest.mark.parametrize("gateway", [mse_gateway, alb_gateway], ids=["mse", "alb"])
def test_a_member_is_read_while_a_gateway_is_attached_to_it(
    rig: KubernetesRig, gateway: Callable[..., Builder[Any]]
) -> None:
    rig.put(CART, origin="one")
    attached(rig)

    async def script(listener: Listener) -> None:
        assert listener.state.origins.keys() == {HUB}
        assert listener.state.unattached == {"one"}
        await asyncio.to_thread(rig.find, "two")
        await listener.until(lambda: listener.state.unattached == {"one", "two"})
        rig.put(gateway("attaches-members", members=["one"]))
        await listener.until(found(listener, "one"))
        assert listener.state.unattached == {"two"}
        assert CART.ref("one") in listener.state.table(Service)
        rig.put(gateway("attaches-members"))
        await listener.until(lambda: "one" not in listener.state.origins)
        assert not listener.state.table(Service)
        rig.put(LATE, origin="one")
        await listener.news()
        assert not listener.state.table(Service)

    play(rig, script)


def test_the_hub_can_be_a_member_of_its_own_fleet(rig: KubernetesRig) -> None:
    """Some Pods run on the hub, such as the solvers of cert-manager."""
    hub = rig.servers[HUB]
    declare(hub, naming("itself", hub.config()))
    declare(hub, service("solver").manifest)

    async def script(listener: Listener) -> None:
        rig.put(mse_gateway("attaches-members", members=["itself"]))
        await listener.until(found(listener, "itself"))
        assert service("solver").ref("itself") in listener.state.table(Service)

    play(rig, script)


def test_what_is_read_as_a_whole_is_counted_for_each_origin(rig: KubernetesRig) -> None:
    attached(rig, "one")

    async def script(listener: Listener) -> None:
        await listener.until(found(listener, "one"))
        before = dict(rig.source.loads)
        assert before.keys() == {HUB, "one"}
        await rig.source.refresh()
        more = {name: count - before[name] for name, count in rig.source.loads.items()}
        assert more["one"] == len(("services", "endpointslices"))
        assert more[HUB] > more["one"]

    play(rig, script)


def test_a_member_leaves_with_its_secret(rig: KubernetesRig) -> None:
    rig.put(CART, origin="one")

    async def script(listener: Listener) -> None:
        withdraw(rig.servers[HUB], naming("one", {}))
        await listener.until(lambda: "one" not in listener.state.origins)
        assert listener.events[-1] == Members(frozenset())
        assert not listener.state.table(Service)
        rig.find("one")
        await listener.until(found(listener, "one"))
        assert CART.ref("one") in listener.state.table(Service)

    play(rig, script)


def shaped(namespace: str, labels: Mapping[str, str], data: Mapping[str, str]) -> dict[str, Any]:
    """A member's Secret of Istio's or Argo CD's shape."""
    metadata = {"name": "theirs", "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(data)}


def of_istio(config: Mapping[str, Any], namespace: str = "istio-system") -> dict[str, Any]:
    return shaped(namespace, {"istio/multiCluster": "true"}, {"two": json.dumps(config)})


def of_argo(config: Mapping[str, Any], namespace: str = "argocd") -> dict[str, Any]:
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = {"caData": cluster["certificate-authority-data"]}
    credentials = json.dumps({"bearerToken": user["token"], "tlsClientConfig": tls})
    data = {"name": "two", "server": cluster["server"], "config": credentials}
    return shaped(namespace, {"argocd.argoproj.io/secret-type": "cluster"}, data)


@pytest.mark.parametrize("shape", [of_istio, of_argo])
def test_a_member_may_be_named_by_secrets_of_others(
    rig: KubernetesRig, shape: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> None:
    secret = shape(rig.kubeconfig("two"))

    async def script(listener: Listener) -> None:
        rig.servers[HUB].namespace(secret["metadata"]["namespace"])
        declare(rig.servers[HUB], secret)
        await listener.until(found(listener, "two"))

    play(rig, script)


@pytest.mark.parametrize("shape", [of_istio, of_argo])
def test_a_secret_counts_where_the_operator_trusts_who_may_write_it(
    rig: KubernetesRig, shape: Callable[[Mapping[str, Any], str], dict[str, Any]]
) -> None:
    hub = rig.servers[HUB]
    rig.source = KubernetesSource(
        DIALECTS.kinds,
        lambda: ApiServer.from_kubeconfig(hub.kubeconfig),
        {},
        HOME,
        trusted=["default"],
    )

    async def script(listener: Listener) -> None:
        declare(hub, shape(rig.kubeconfig("two"), "default"))
        await listener.until(found(listener, "two"))

    play(rig, script)


@pytest.mark.parametrize("shape", [of_istio, of_argo])
def test_who_may_write_some_secret_names_no_member(
    rig: KubernetesRig, shape: Callable[[Mapping[str, Any], str], dict[str, Any]]
) -> None:
    secret = shape(rig.kubeconfig("two"), "default")

    async def script(listener: Listener) -> None:
        declare(rig.servers[HUB], secret)
        assert await listener.news() == []
        assert "two" not in listener.state.origins

    play(rig, script)


def test_a_member_may_be_given_by_the_operator(rig: KubernetesRig, clusters: Clusters) -> None:
    rig.put(CART, origin="two")
    hub, two = clusters.hub.kubeconfig, clusters.c2.kubeconfig
    rig.source = KubernetesSource(
        DIALECTS.kinds,
        lambda: ApiServer.from_kubeconfig(hub),
        {"two": lambda: ApiServer.from_kubeconfig(two)},
        HOME,
    )

    async def script(listener: Listener) -> None:
        assert CART.ref("two") in listener.state.table(Service)
        declare(rig.servers[HUB], naming("two", rig.kubeconfig("one")))
        await listener.news()
        (problem,) = listener.problems
        assert "fleetgate's command line has this one" in problem.message
        assert listener.state.origins["two"].reachable

    play(rig, script)


def test_changed_credentials_renew_the_client_of_that_member_alone(rig: KubernetesRig) -> None:
    rig.put(CART, origin="one")
    rig.find("two")

    async def script(listener: Listener) -> None:
        listener.events.clear()
        declare(rig.servers[HUB], naming("one", rig.kubeconfig("one", "wrong")))
        await listener.until(lost(listener, "one"))
        assert "the credentials are not valid (401" in listener.state.origins["one"].message
        assert "wrong" not in listener.state.origins["one"].message
        assert CART.ref("one") in listener.state.table(Service)
        declare(rig.servers[HUB], naming("one", rig.kubeconfig("one")))
        await listener.until(found(listener, "one"))
        said = [line(event) for event in listener.events]
        assert set(said) == {"unreachable one", "listed one"}

    play(rig, script)


def test_where_the_pods_of_a_member_are_is_said_without_reading_it_anew(
    rig: KubernetesRig,
) -> None:
    narrow = PodAddresses(networks=read_networks(["10.1.0.0/16"]))
    named = naming("one", rig.kubeconfig("one"))

    def annotated(text: str) -> dict[str, Any]:
        metadata = {**named["metadata"], "annotations": {"fleetgate.dev/pod-cidrs": text}}
        return {**named, "metadata": metadata}

    async def script(listener: Listener) -> None:
        assert listener.state.settings["one"].addresses == PodAddresses()
        said = [line(event) for event in listener.events]
        assert said.index("configured one") < said.index("listed one")
        listener.events.clear()
        declare(rig.servers[HUB], annotated("10.1.0.0/16"))
        await listener.until(lambda: listener.state.settings["one"].addresses == narrow)
        declare(rig.servers[HUB], annotated("10.1/16"))
        await listener.until(lambda: bool(listener.problems))
        assert listener.state.settings["one"].addresses == narrow
        declare(rig.servers[HUB], named)
        await listener.until(lambda: listener.state.settings["one"].addresses == PodAddresses())
        assert {line(e) for e in listener.events if "one" in line(e)} == {
            "configured one",
            f"refused Secret {HOME}/member-one: InvalidMember",
            f"refused Secret {HOME}/member-one",
        }

    async def run() -> None:
        async with listening(rig.source) as listener:
            await listener.until(found(listener, "one"))
            await script(listener)

    asyncio.run(run())


def test_a_bad_secret_is_a_problem_and_its_member_goes_on(rig: KubernetesRig) -> None:
    async def script(listener: Listener) -> None:
        bad = {**naming("one", {}), "stringData": {"kubeconfig": "{ no yaml, but s3cret"}}
        declare(rig.servers[HUB], bad)
        assert await listener.news() == [f"refused Secret {HOME}/member-one: InvalidMember"]
        assert "s3cret" not in repr(listener.state.problems)
        rig.put(CART, origin="one")
        assert await listener.news() == ["upserted Service default/cart in one"]
        rig.find("one")
        assert await listener.news() == []
        assert not listener.problems

    play(rig, script)


def test_a_member_whose_secret_was_never_of_use_cannot_be_reached(rig: KubernetesRig) -> None:
    async def script(listener: Listener) -> None:
        declare(rig.servers[HUB], naming("two", {}))
        await listener.until(lost(listener, "two"))
        assert listener.state.origins["two"].message == (
            f"Secret {HOME}/member-two on the hub, which names it, cannot be used; "
            "its events say why"
        )
        rig.find("two")
        await listener.until(found(listener, "two"))

    play(rig, script)


def test_secrets_of_members_are_not_said(rig: KubernetesRig) -> None:
    async def script(listener: Listener) -> None:
        assert not listener.state.table(Secret)
        assert not [
            e for e in listener.events if isinstance(e, Upserted) and e.ref.kind == "Secret"
        ]

    play(rig, script)


def test_who_the_members_are_is_said_before_the_hub_is_listed(rig: KubernetesRig) -> None:
    async def run() -> None:
        async with listening(rig.source) as listener:
            await listener.until(found(listener, HUB))
            said = [line(event) for event in listener.events]
            assert said.index("members one") < said.index("listed hub")

    asyncio.run(run())


# -- Pods -----------------------------------------------------------------------------------------

ASKING = SHOP.annotate({"mse.ingress.kubernetes.io/subset-labels": "app shop"})


def test_pods_are_read_while_their_labels_are_asked_for(rig: KubernetesRig) -> None:
    running = pod("shop-1", app="shop").with_spec(containers=[{"name": "shop", "image": "shop"}])
    rig.put(running, origin="one")

    async def script(listener: Listener) -> None:
        assert not listener.state.table(Pod)
        rig.put(ASKING)
        await listener.until(lambda: running.ref("one") in listener.state.table(Pod))
        assert listener.state.table(Pod)[running.ref("one")].metadata.labels == {"app": "shop"}
        rig.put(SHOP)
        await listener.until(lambda: not listener.state.table(Pod))

    play(rig, script)


# -- settings of members and nodes ----------------------------------------------------------------


def with_settings(rig: KubernetesRig, **settings: str) -> dict[str, Any]:
    """The Secret of member `one` with these settings."""
    named = naming("one", rig.kubeconfig("one"))
    annotations = {f"fleetgate.dev/{k.replace('_', '-')}": text for k, text in settings.items()}
    return {**named, "metadata": {**named["metadata"], "annotations": annotations}}


def test_settings_of_a_member_follow_its_secret(rig: KubernetesRig) -> None:
    hub = rig.servers[HUB]

    async def script(listener: Listener) -> None:
        async def until(settings: MemberSettings) -> None:
            await listener.until(lambda: listener.state.settings["one"] == settings)

        listener.events.clear()
        declare(hub, with_settings(rig, region="eu"))
        await until(MemberSettings(region="eu"))
        by_gateway = {"addressing": "gateway", "gateway_address": "gw.example.com:80"}
        declare(hub, with_settings(rig, **by_gateway))
        gateway = MemberGateway("gw.example.com", 80)
        await until(MemberSettings(addressing=Addressing.GATEWAY, gateway=gateway))
        declare(hub, with_settings(rig, **by_gateway | {"gateway_address": "192.0.2.1:81"}))
        gateway = MemberGateway("192.0.2.1", 81)
        await until(MemberSettings(addressing=Addressing.GATEWAY, gateway=gateway))
        declare(hub, with_settings(rig, addressing="gateway"))
        await listener.until(lambda: bool(listener.problems))
        assert listener.state.settings["one"].gateway == gateway
        declare(hub, with_settings(rig))
        await until(MemberSettings())
        assert not [line(e) for e in listener.events if line(e).endswith("listed one")]

    play(rig, script)


def test_nodes_are_read_while_requests_are_sent_to_them(rig: KubernetesRig) -> None:
    hub, first = rig.servers[HUB], node("first", InternalIP="10.0.0.1")
    second = node("second", InternalIP="10.0.0.2")
    rig.put(first, origin="one")

    async def script(listener: Listener) -> None:
        nodes = listener.state.table(Node)
        assert not nodes
        declare(hub, with_settings(rig, addressing="nodePorts"))
        await listener.until(
            lambda: listener.state.settings["one"].addressing is Addressing.NODE_PORTS
        )
        assert nodes[first.ref("one")].status.addresses[0].address == "10.0.0.1"
        rig.put(second, origin="one")
        await listener.until(lambda: second.ref("one") in nodes)
        rig.remove(first, origin="one")
        await listener.until(lambda: first.ref("one") not in nodes)
        declare(hub, with_settings(rig, addressing="pods"))
        await listener.until(lambda: not nodes)
        rig.remove(second, origin="one")

    play(rig, script)


def test_a_member_that_lets_nobody_read_nodes_says_what_rbac_lacks(rig: KubernetesRig) -> None:
    server = rig.servers["one"]
    server.kubectl("create", "serviceaccount", "nobody", "--namespace=default")
    token = server.kubectl("create", "token", "nobody", "--namespace=default").strip()

    def allow(name: str, resources: str) -> None:
        server.kubectl(
            "create", "clusterrole", name, "--verb=get,list,watch", f"--resource={resources}"
        )
        server.kubectl(
            "create",
            "clusterrolebinding",
            name,
            f"--clusterrole={name}",
            "--serviceaccount=default:nobody",
        )

    allow("reader", "services,endpointslices.discovery.k8s.io")
    named = naming("one", rig.kubeconfig("one", token))
    to_nodes = MemberSettings(addressing=Addressing.NODE_PORTS)

    async def script(listener: Listener) -> None:
        await listener.until(found(listener, "one"))
        annotations = {"fleetgate.dev/addressing": "nodePorts"}
        metadata = {**named["metadata"], "annotations": annotations}
        declare(rig.servers[HUB], {**named, "metadata": metadata})
        await listener.until(lost(listener, "one"))
        message = listener.state.origins["one"].message
        assert " does not let fleetgate list nodes: " in message
        assert message.endswith(
            "; its RBAC has to allow get, list and watch on nodes, since "
            "requests are sent to its nodes by the setting addressing nodePorts"
        )
        assert listener.state.settings["one"] == MemberSettings()
        allow("nodes", "nodes")
        await listener.until(found(listener, "one"))
        assert listener.state.settings["one"] == to_nodes

    declare(rig.servers[HUB], named)
    play(rig, script)


def test_a_member_of_the_operator_has_settings_of_the_operator(
    rig: KubernetesRig, clusters: Clusters
) -> None:
    hub, two = clusters.hub.kubeconfig, clusters.c2.kubeconfig
    first = node("first", InternalIP="10.0.0.1")
    rig.put(first, origin="two")
    settings = MemberSettings(addressing=Addressing.NODE_PORTS, zone="a")
    rig.source = KubernetesSource(
        DIALECTS.kinds,
        lambda: ApiServer.from_kubeconfig(hub),
        {"two": lambda: ApiServer.from_kubeconfig(two)},
        HOME,
        settings={"two": settings},
    )

    async def script(listener: Listener) -> None:
        await listener.until(found(listener, "two"))
        assert listener.state.settings["two"] == settings
        assert first.ref("two") in listener.state.table(Node)
        declare(rig.servers[HUB], with_settings(rig, zone="b"))
        await listener.until(lambda: listener.state.settings["one"].zone == "b")
        assert listener.state.settings["two"] == settings

    play(rig, script)
