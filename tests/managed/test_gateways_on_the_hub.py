"""Gateways on a real hub: written as wanted, put back when changed, gone with their objects."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from fleet.ref import HUB, Ref
from fleetgate.certificates.credential import Credential
from fleetgate.hub.managed.managed_gateways import Pace
from fleetgate.hub.managed.manifests import objects
from fleetgate.hub.managed.settings import PUBLIC, LoadBalancerSettings, ManagedSettings
from tests.certificates.damaged import KEY_OF_NO_KIND, NAMES_OF_NO_KIND, damaged
from tests.certificates.served import DAY, Clock, MemoryStore, made
from tests.managed.rig import (
    NAMESPACE,
    PACE,
    Certificates,
    Gateways,
    Hub,
    Running,
    alb,
    annotated,
    gateway,
    read,
    running,
)
from tests.sinks.rig import Answer, Asked
from translators.dialects.edge_settings import HTTP3

Json: TypeAlias = Any  # as kubectl prints it

DEPLOYMENT, SERVICE = "deployment/envoy-mse-shop", "service/envoy-mse-shop"
WEB = "envoy-alb-web"
SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
SHOP = Ref(HUB, "MseIngressConfig", "", "shop")
DOCUMENTS = Path(__file__).parents[1] / "crds" / "documents"
ALL = {
    "configmap": ["envoy-mse-shop"],
    "deployment": ["envoy-mse-shop"],
    "poddisruptionbudget": ["envoy-mse-shop"],
    "secret": [],
    "service": ["envoy-mse-shop"],
    "serviceaccount": ["envoy-mse-shop"],
}
KEPT = "it is not wanted, and kept as long as there is MseIngressConfig shop"
NOTHING: dict[str, list[str]] = {kind: [] for kind in ALL}


def merge(*path: str, value: Json) -> str:
    """A merge patch of one field."""
    for step in reversed(path):
        value = {step: value}
    return json.dumps(value)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param("mseingressconfig.yaml", id="the-documents"),
        pytest.param("mseingressconfig-hongkong.yaml", id="the-documents-of-hong-kong"),
        pytest.param(
            gateway("x" * 253, network={"publicSLBSpec": "s1", "privateSLBSpec": "s1"}),
            id="longest-name-and-both-load-balancers",
        ),
        pytest.param(gateway("shop.example"), id="dots"),
        pytest.param(alb("web", 80, 8001), id="alb"),
        pytest.param(alb("web"), id="alb-without-listeners"),
    ],
)
def test_kubernetes_accepts_the_objects_and_calls_their_pods_restricted(
    hub: Hub, manifest: Json
) -> None:
    hub.cluster.kubectl(
        *("label", "--overwrite", "namespace", NAMESPACE),
        "pod-security.kubernetes.io/enforce=restricted",
        "pod-security.kubernetes.io/warn=restricted",
    )
    if isinstance(manifest, str):
        manifest = yaml.safe_load((DOCUMENTS / manifest).read_text())
    items = objects(*read(manifest), ManagedSettings())
    done = hub.cluster.try_kubectl(
        *("apply", "--dry-run=server", "--filename=-"),
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_gateway_gets_what_it_consists_of(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway(instance={"replicas": 2, "spec": "2c4g"}))
            await r.settled()
            assert await r.names() == ALL
            deployment = await r.get("deployment")
            assert deployment["spec"]["replicas"] == 2
            owner = await r.get("mseingressconfig", "shop")
            (reference,) = deployment["metadata"]["ownerReferences"]
            assert reference["uid"] == owner["metadata"]["uid"]
            assert r.managed.refusals == {}

    asyncio.run(story())


def test_the_next_leader_writes_nothing_anew(hub: Hub) -> None:
    async def story() -> None:
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways) as first:
            await first.settled()
            before = await first.versions()
        async with running(hub, gateways) as second:
            await second.settled()
            assert await second.versions() == before

    asyncio.run(story())


def test_who_leads_again_puts_right_what_another_leader_has_done(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """For example, a leader of another version may have set more fields."""
    more = LoadBalancerSettings(public_annotations={**PUBLIC, "cloud/more": "1"})

    async def story() -> None:
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways, leads=False) as r:
            async with leading(r):
                await r.settled()
            async with running(
                hub, gateways, settings=ManagedSettings(load_balancer=more)
            ) as another:
                await another.until(lambda: "cloud/more" in _annotations(hub))
            async with leading(r):
                await r.until(lambda: "cloud/more" not in _annotations(hub))
            r.managed.want({})
            async with leading(r):
                await r.until(lambda: KEPT in caplog.text)
            await r.by_hand("delete", "mseingressconfig/shop")
            async with leading(r):
                await r.until(lambda: hub.names() == NOTHING)

    asyncio.run(story())


def test_what_others_do_with_the_objects_is_left_alone(hub: Hub) -> None:
    """Statuses, defaults, somebody's own annotations and containers: no request is made."""
    sidecar = [{"name": "sidecar", "image": "sidecar:1"}]

    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway())
            await r.settled()
            writes = r.writes_to("deployment", "envoy-mse-shop")
            await r.by_hand("annotate", DEPLOYMENT, "team=shop")
            pod = merge("spec", "template", "spec", "containers", value=sidecar)
            await r.by_hand("patch", DEPLOYMENT, "--patch", pod)
            for ready in range(3):
                status = patch(DEPLOYMENT, "status", "replicas", value=ready)
                await r.by_hand(*status, "--subresource=status")
            await r.heard_of("envoy-mse-shop")
            assert r.writes_to("deployment", "envoy-mse-shop") == writes
            spec = (await r.get("deployment"))["spec"]["template"]["spec"]
            assert len(spec["containers"]) == 2

    asyncio.run(story())


def patch(what: str, *path: str, value: Json) -> list[str]:
    return ["patch", what, "--type=merge", "--patch", merge(*path, value=value)]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["scale", DEPLOYMENT, "--replicas=1"], id="scaled"),
        pytest.param(["set", "image", DEPLOYMENT, "envoy=envoy:0"], id="other-image"),
        pytest.param(
            patch(SERVICE, "spec", "externalTrafficPolicy", value="Cluster"), id="other-policy"
        ),
        pytest.param(
            patch(SERVICE, "spec", "ports", value=[{"name": "port-80", "port": 80}]),
            id="port-removed",
        ),
        pytest.param(
            patch("configmap/envoy-mse-shop", "data", "bootstrap.yaml", value=""), id="emptied"
        ),
        pytest.param(["label", DEPLOYMENT, "fleetgate.dev/gateway-"], id="label-removed"),
        pytest.param(
            ["label", DEPLOYMENT, "fleetgate.dev/gateway-", "app.kubernetes.io/managed-by-"],
            id="labels-removed",
        ),
        pytest.param(
            ["annotate", SERVICE, f"{SCHEME}=internal", "--overwrite"], id="other-annotation"
        ),
        *(
            pytest.param(["delete", f"{kind}/envoy-mse-shop"], id=f"{kind}-deleted")
            for kind, names in ALL.items()
            if names
        ),
    ],
)
def test_what_somebody_changes_by_hand_is_put_back(
    hub: Hub, command: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fleetgate.hub.managed")

    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway())
            await r.settled()
            before = await asyncio.to_thread(_specs, hub)
            await r.by_hand(*command)
            await r.until(lambda: _specs(hub) == before)
            await r.until(lambda: any(m.startswith("put back") for m in caplog.messages))

    asyncio.run(story())


def test_an_object_is_put_back_at_most_once_in_a_while(hub: Hub) -> None:
    """Otherwise two controllers that disagree would write without a pause."""

    async def story() -> None:
        async with running(hub, pace=Pace(calm=3600)) as r:
            await r.declare(gateway())
            await r.settled()
            writes = r.writes_to("deployment", "envoy-mse-shop")
            await r.by_hand("scale", DEPLOYMENT, "--replicas=1")
            await r.heard_of("envoy-mse-shop")
            assert r.writes_to("deployment", "envoy-mse-shop") == writes

    asyncio.run(story())


def test_listeners_of_an_alb_gateway_change_its_service_and_no_pod(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(alb("web", 80))
            await r.settled()
            before = await r.get("deployment", WEB)
            await r.declare(alb("web", 80, 8001))
            await r.until(lambda: _ports(hub) == [80, 8001])
            await r.declare(alb("web", 8001))
            await r.until(lambda: _ports(hub) == [8001])
            await r.declare(alb("web"))
            await r.until(lambda: _ports(hub) == [80])
            after = await r.get("deployment", WEB)
            assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
            assert r.managed.refusals == {}

    asyncio.run(story())


def test_http3_opens_and_closes_the_udp_port_of_the_service_and_changes_no_pod(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway())
            await r.settled()
            before = await r.get("deployment")
            await r.declare(annotated(gateway(), {HTTP3: "true"}))
            await r.until(lambda: _protocols(hub) == ["80/TCP", "443/TCP", "443/UDP"])
            await r.declare(gateway())
            await r.until(lambda: _protocols(hub) == ["80/TCP", "443/TCP"])
            after = await r.get("deployment")
            assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
            assert r.managed.refusals == {}

    asyncio.run(story())


def test_an_alb_gateway_has_its_own_certificate_and_address_and_goes_with_its_object(
    hub: Hub,
) -> None:
    ref = Ref(HUB, "AlbConfig", "", "web")

    async def story() -> None:
        certificates = Certificates(await made())
        async with running(hub, None, certificates) as r:
            await r.declare(alb("web", 80, addressType="Intranet"), gateway())
            await r.settled()
            names = await r.names()
            assert names["deployment"] == [WEB, "envoy-mse-shop"]
            assert names["service"] == [f"{WEB}-internal", "envoy-mse-shop"]
            assert names["secret"] == [f"{WEB}-xds", "envoy-mse-shop-xds"]
            assert certificates.gateways == {"alb/web", "mse/shop"}
            await _address(r, f"{WEB}-internal", {"ip": "10.0.0.7"})
            await r.addresses(lambda a: a == {ref: ("10.0.0.7",)})
            await r.by_hand("delete", "albconfig/web")
            await r.declare(gateway())
            await r.until(lambda: hub.names() == ALL | {"secret": ["envoy-mse-shop-xds"]})

    asyncio.run(story())


def test_envoys_of_an_albconfig_that_is_still_declared_are_never_removed(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    kept = "it is not wanted, and kept as long as there is AlbConfig web"

    async def story() -> None:
        gateways = await asyncio.to_thread(hub.declare, alb("web", 80))
        async with running(hub, gateways) as first:
            await first.settled()
        async with running(hub, {}) as second:
            await second.until(lambda: sum(kept in m for m in caplog.messages) == 5)
            await second.by_hand("delete", "albconfig/web")
            await second.until(lambda: hub.names() == NOTHING)

    asyncio.run(story())


def test_an_autoscaler_is_not_fought(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway())
            await r.settled()
            await r.by_hand("scale", DEPLOYMENT, "--replicas=7")
            await r.until(lambda: hub.get("deployment")["spec"]["replicas"] == 3)
            await asyncio.to_thread(_autoscale, hub, 9)
            # Something else that has to be put back, so that the replicas would be as well.
            await r.by_hand("set", "image", DEPLOYMENT, "envoy=envoy:0")
            await r.until(lambda: _image(hub) != "envoy:0")
            assert (await r.get("deployment"))["spec"]["replicas"] == 9
            await r.declare(gateway(instance={"spec": "2c4g"}))
            await r.until(lambda: _cpu(hub) == "2")
            assert (await r.get("deployment"))["spec"]["replicas"] == 9

    asyncio.run(story())


def test_changes_of_the_gateway_roll_through(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway(instance={"replicas": 2, "spec": "2c4g"}))
            await r.settled()
            before = await r.get("deployment")
            await r.declare(gateway(instance={"replicas": 5, "spec": "2c4g"}))
            await r.until(lambda: hub.get("deployment")["spec"]["replicas"] == 5)
            assert (await r.get("deployment"))["spec"]["template"] == before["spec"]["template"]
            await r.declare(gateway(instance={"replicas": 5, "spec": "4c8g"}))
            await r.until(lambda: _cpu(hub) == "4")

    asyncio.run(story())


def test_a_load_balancer_that_becomes_internal_is_another_one(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway())
            await r.settled()
            await r.declare(gateway(network={"privateSLBSpec": "slb.s1.small"}))
            await r.until(lambda: hub.names()["service"] == ["envoy-mse-shop-internal"])

    asyncio.run(story())


def test_what_a_gateway_consisted_of_goes_with_it(hub: Hub) -> None:
    """The test's hub has no garbage collector. With one, both delete the objects."""

    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway("shop"), gateway("other"))
            await r.settled()
            await r.by_hand("delete", "mseingressconfig/other")
            await r.declare(gateway("shop"))
            await r.until(lambda: hub.names() == ALL)
            await r.by_hand("delete", "mseingressconfig/shop")
            r.managed.want({})
            await r.until(lambda: hub.names() == NOTHING)

    asyncio.run(story())


def test_a_gateway_that_was_deleted_while_nobody_led_goes_at_the_next_start(hub: Hub) -> None:
    async def story() -> None:
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways) as first:
            await first.settled()
        await asyncio.to_thread(hub.kubectl, "delete", "mseingressconfig/shop")
        async with running(hub, {}) as second:
            await second.until(lambda: hub.names() == NOTHING)

    asyncio.run(story())


def test_envoys_of_a_gateway_that_is_still_declared_are_never_removed(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """After a restart, a gateway that cannot be read is not known; its Envoys serve on."""

    async def story() -> None:
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways) as first:
            await first.settled()
        async with running(hub, {}) as second:
            await second.until(lambda: sum(KEPT in m for m in caplog.messages) == 5)
            assert await second.names() == ALL
            await second.by_hand("delete", "mseingressconfig/shop")
            await second.until(lambda: hub.names() == NOTHING)

    asyncio.run(story())


def test_objects_without_our_labels_are_nobodys_business(hub: Hub) -> None:
    async def story() -> None:
        await asyncio.to_thread(hub.kubectl, "create", "configmap", "envoy-mse-gone")
        async with running(hub) as r:
            await r.declare(gateway())
            await r.settled()
            assert "envoy-mse-gone" in (await r.names())["configmap"]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        pytest.param("configmap", ["envoy-mse-shop", "--from-literal=a=b"], id="configmap"),
        pytest.param(
            "secret", ["generic", "envoy-mse-shop-xds", "--from-literal=a=b"], id="secret"
        ),
        pytest.param("service", ["clusterip", "envoy-mse-shop", "--tcp=1"], id="service"),
        pytest.param(
            "poddisruptionbudget",
            ["envoy-mse-shop", "--selector=app=a", "--min-available=1"],
            id="disruption-budget",
        ),
        pytest.param("serviceaccount", ["envoy-mse-shop"], id="service-account"),
        pytest.param("deployment", ["envoy-mse-shop", "--image=a"], id="deployment"),
    ],
)
def test_an_object_of_somebody_else_keeps_what_it_has_and_is_a_problem_of_the_gateway(
    hub: Hub, kind: str, command: list[str]
) -> None:
    """If fleetgate took it over, it would be deleted with the gateway."""
    name = "envoy-mse-shop-xds" if kind == "secret" else "envoy-mse-shop"

    async def story() -> None:
        certificates = await made()
        await asyncio.to_thread(hub.kubectl, "create", kind, *command)
        before = await asyncio.to_thread(hub.get, kind, name)
        async with running(hub, None, certificates) as r:
            await r.declare(gateway())
            await r.until(lambda: SHOP in r.managed.refusals)
            (problem,) = r.managed.problems
            assert (problem.at, problem.reason) == (SHOP, "RefusedByHub")
            assert problem.value.lower() == f"{kind} {name}"
            assert "there is one of somebody else, which is left alone" in problem.expected
            assert await r.get(kind, name) == before
            assert r.writes_to(kind, name) == 0
            await r.by_hand("delete", f"{kind}/{name}")
            await r.settled()
            assert (await r.get(kind, name))["metadata"]["ownerReferences"][0]["name"] == "shop"
            await r.until(lambda: r.managed.refusals == {})

    asyncio.run(story())


@pytest.mark.parametrize("leads", [pytest.param(True, id="leader"), pytest.param(False, id="not")])
def test_the_address_of_the_load_balancer_becomes_the_gateways(hub: Hub, *, leads: bool) -> None:
    async def story() -> None:
        both = {"publicSLBSpec": "s1", "privateSLBSpec": "s1"}
        gateways = await asyncio.to_thread(hub.declare, gateway(network=both))
        async with running(hub, gateways) as leader:
            await leader.settled()
            async with running(hub, gateways, leads=leads) as r:
                await r.managed.observed()
                assert r.managed.addresses == {}
                await _address(r, "envoy-mse-shop-internal", {"ip": "10.0.0.7"})
                await r.addresses(lambda a: a == {SHOP: ("10.0.0.7",)})
                await _address(
                    r, "envoy-mse-shop", {"ip": "203.0.113.7"}, {"hostname": "lb.example"}
                )
                await r.addresses(lambda a: a == {SHOP: ("203.0.113.7", "lb.example", "10.0.0.7")})
                r.managed.want({})
                assert r.managed.addresses == {}

    asyncio.run(story())


def test_an_address_that_is_there_already_is_known_at_once(hub: Hub) -> None:
    async def story() -> None:
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways) as first:
            await first.settled()
            await _address(first, "envoy-mse-shop", {"ip": "203.0.113.7"})
        async with running(hub, gateways) as second:
            await second.managed.observed()
            assert second.managed.addresses == {SHOP: ("203.0.113.7",)}

    asyncio.run(story())


def test_the_certificate_is_kept_renewed_and_put_back(hub: Hub) -> None:
    async def story() -> None:
        clock = Clock()
        certificates = await made(clock=clock)
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways, certificates) as r:
            certificates.on_change(r.managed.certificates_changed)
            await r.settled()
            first = await asyncio.to_thread(_certificate, hub)
            assert first == certificates.client_of("mse/shop")
            deployment = await r.get("deployment")
            clock.now += 61 * DAY
            await certificates.refresh()
            await r.until(lambda: _certificate(hub) != first)
            renewed = certificates.client_of("mse/shop")
            assert await asyncio.to_thread(_certificate, hub) == renewed
            now = await r.get("deployment")
            assert now["metadata"]["resourceVersion"] == deployment["metadata"]["resourceVersion"]
            stranger = base64.b64encode(first.files["tls.key"]).decode()
            await r.by_hand(*patch("secret/envoy-mse-shop-xds", "data", "tls.key", value=stranger))
            await r.until(lambda: _certificate(hub).files["tls.key"] != first.files["tls.key"])

    asyncio.run(story())


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda certificate: b"no PEM", id="no-certificate"),
        pytest.param(partial(damaged, damage=NAMES_OF_NO_KIND), id="its-names-cannot-be-read"),
        pytest.param(partial(damaged, damage=KEY_OF_NO_KIND), id="its-key-cannot-be-read"),
    ],
)
def test_a_certificate_that_is_broken_is_replaced(
    hub: Hub, damage: Callable[[bytes], bytes]
) -> None:
    async def story() -> None:
        certificates = await made()
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways, certificates) as r:
            await r.settled()
            first = await asyncio.to_thread(_certificate, hub)
            broken = base64.b64encode(damage(first.pair.certificate)).decode()
            await r.by_hand(*patch("secret/envoy-mse-shop-xds", "data", "tls.crt", value=broken))
            await r.until(lambda: _certificate(hub).pair.key != first.pair.key)
            good = await asyncio.to_thread(_certificate, hub)
            assert good == certificates.client_of("mse/shop")

    asyncio.run(story())


def test_certificates_of_gateways_that_are_gone_are_forgotten(hub: Hub) -> None:
    async def story() -> None:
        certificates = Certificates(await made())
        async with running(hub, None, certificates) as r:
            await r.declare(gateway("shop"), gateway("other"))
            await r.settled()
            assert certificates.gateways == {"mse/other", "mse/shop"}
            await r.by_hand("delete", "mseingressconfig/other")
            await r.declare(gateway("shop"))
            assert certificates.gateways == {"mse/shop"}
            await r.until(lambda: hub.names()["secret"] == ["envoy-mse-shop-xds"])
            assert certificates.gateways == {"mse/shop"}

    asyncio.run(story())


def test_the_next_leader_keeps_the_certificate(hub: Hub) -> None:
    async def story() -> None:
        store = MemoryStore()
        certificates = await made(store)
        gateways = await asyncio.to_thread(hub.declare, gateway())
        async with running(hub, gateways, certificates) as first:
            await first.settled()
            before = await first.versions()
        async with running(hub, gateways, await made(store)) as second:
            await second.settled()
            assert await second.versions() == before

    asyncio.run(story())


def test_an_api_server_that_was_lost_gets_what_was_wanted_meanwhile(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway())
            await r.settled()
            services = r.writes_to("service", "envoy-mse-shop")
            changed = await asyncio.to_thread(hub.declare, gateway(instance={"replicas": 4}))
            await asyncio.to_thread(hub.cluster.kill)
            r.managed.want(changed)
            await asyncio.to_thread(hub.cluster.start)
            await r.until(lambda: hub.get("deployment")["spec"]["replicas"] == 4)
            await r.by_hand("scale", DEPLOYMENT, "--replicas=1")
            await r.until(lambda: hub.get("deployment")["spec"]["replicas"] == 4)
            # All was read again, and what had not changed was seen to be the same.
            assert r.writes_to("service", "envoy-mse-shop") == services

    asyncio.run(story())


def test_what_the_hub_refuses_is_said_and_tried_again(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway has a problem, which is logged once."""
    settings = ManagedSettings(namespace="not-yet-there")

    async def story(gateways: Gateways) -> None:
        async with running(hub, gateways, settings=settings, pace=PACE) as r:
            await r.api.until(lambda: SHOP in r.managed.refusals)
            said = r.managed.refusals[SHOP]
            assert said.endswith('namespaces "not-yet-there" not found')
            problem = next(iter(r.managed.problems))
            assert said.startswith(problem.value)
            assert (problem.at, problem.reason) == (SHOP, "RefusedByHub")
            assert 'namespaces "not-yet-there" not found' in problem.message
            await asyncio.to_thread(hub.cluster.namespace, "not-yet-there")
            await r.until(lambda: r.managed.refusals == {})
            assert list(r.managed.problems) == []

    asyncio.run(story(hub.declare(gateway())))
    assert caplog.messages == []


def test_who_no_longer_leads_knows_of_no_refusals(hub: Hub) -> None:
    settings = ManagedSettings(namespace="never-there")

    async def story(gateways: Gateways) -> None:
        async with running(hub, gateways, settings=settings, leads=False) as r:
            async with leading(r):
                await r.api.until(lambda: SHOP in r.managed.refusals)
            assert r.managed.refusals == {}
            assert list(r.managed.problems) == []

    asyncio.run(story(hub.declare(gateway())))


def test_a_load_balancer_that_cannot_be_removed_is_a_problem_of_its_gateway(hub: Hub) -> None:
    async def refuse(asked: Asked) -> None:
        if asked.method == "DELETE" and asked.path.endswith("/services/envoy-mse-shop"):
            raise Answer(403)

    async def story() -> None:
        async with running(hub, before=refuse) as r:
            await r.declare(gateway())
            await r.settled()
            await r.declare(gateway(network={"privateSLBSpec": "slb.s1.small"}))
            await r.until(lambda: [one.at for one in r.managed.problems] == [SHOP])
            assert r.managed.refusals == {}

    asyncio.run(story())


def test_what_a_gateway_asks_for_by_mistake_leaves_the_rest_as_asked(hub: Hub) -> None:
    async def story() -> None:
        async with running(hub) as r:
            await r.declare(gateway(instance={"replicas": 2, "spec": "2c4gb"}))
            await r.settled()
            assert (await r.get("deployment"))["spec"]["replicas"] == 2
            assert await asyncio.to_thread(_cpu, hub) == "4"

    asyncio.run(story())


def _specs(hub: Hub) -> Mapping[str, Json]:
    """What stands there, without what Kubernetes keeps of its own accord."""
    kinds = ",".join(kind for kind, names in ALL.items() if names)
    found: dict[str, Json] = {}
    for item in json.loads(hub.kubectl("get", kinds, "--output=json"))["items"]:
        metadata = {k: item["metadata"].get(k) for k in ("name", "labels", "annotations")}
        (metadata["annotations"] or {}).pop("deployment.kubernetes.io/revision", None)
        spec = {k: v for k, v in item.get("spec", {}).items() if not k.startswith("cluster")}
        for port in spec.get("ports", ()):
            port.pop("nodePort")
        spec.pop("healthCheckNodePort", None)
        found[item["kind"]] = (metadata, spec, item.get("data"))
    return found


@asynccontextmanager
async def leading(r: Running) -> AsyncIterator[None]:
    """Have a replica lead while the block runs."""
    term = asyncio.create_task(r.managed.run())
    try:
        yield
    finally:
        term.cancel()
        await asyncio.gather(term, return_exceptions=True)


def _annotations(hub: Hub) -> Json:
    return hub.get("service")["metadata"]["annotations"]


async def _address(r: Running, service: str, *entries: Json) -> None:
    status = patch(f"service/{service}", "status", "loadBalancer", "ingress", value=list(entries))
    await r.by_hand(*status, "--subresource=status")


def _autoscale(hub: Hub, replicas: int) -> None:
    """Scale as a horizontal Pod autoscaler does."""
    scaled = patch(DEPLOYMENT, "spec", "replicas", value=replicas)
    hub.kubectl(*scaled, "--subresource=scale", "--field-manager=kube-controller-manager")


def _ports(hub: Hub) -> list[int]:
    return [port["port"] for port in hub.get("service", WEB)["spec"]["ports"]]


def _protocols(hub: Hub) -> list[str]:
    ports = hub.get("service")["spec"]["ports"]
    return [f"{port['port']}/{port['protocol']}" for port in ports]


def _container(hub: Hub) -> Json:
    return hub.get("deployment")["spec"]["template"]["spec"]["containers"][0]


def _image(hub: Hub) -> str:
    return str(_container(hub)["image"])


def _cpu(hub: Hub) -> str:
    return str(_container(hub)["resources"]["requests"]["cpu"])


def _certificate(hub: Hub) -> Credential:
    data = hub.get("secret", "envoy-mse-shop-xds")["data"]
    found = Credential.of_files({name: base64.b64decode(text) for name, text in data.items()})
    assert found is not None
    return found
