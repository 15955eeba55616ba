"""One replica of fleetgate writes for all, whichever is killed, wherever Envoys are connected."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.kubernetes.rig import HOME, site
from tests.kubernetes.traffic import declare, envoy, load
from tests.support import netns
from tests.support import running_fleet as pods
from tests.support.ads_client import listening
from tests.support.kube import Cluster, Clusters
from tests.support.process import Fleetgate, fleetgate, until
from tests.support.requirement import require

LEADS = "leads now"
HANDOVER = timedelta(seconds=15)
"""The longest time until another replica leads: the lease has 4 s, and the machine is busy."""
GATEWAY = "gw"


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.install_crds()
    clusters.hub.namespace(HOME)
    return clusters.hub


def replica(
    hub: Cluster, log: Path, bind: str, port_offset: str, namespace: str = HOME
) -> AbstractContextManager[Fleetgate]:
    program = (sys.executable, str(Path(__file__).parent / "replica.py"))
    return fleetgate(log, hub.kubeconfig, namespace, bind, port_offset, command=program)


@contextmanager
def leader_and_follower(
    hub: Cluster, place: Path, bind: str = "127.0.0.1", port_offset: int = 0
) -> Iterator[tuple[Fleetgate, Fleetgate]]:
    gateways = (bind, str(port_offset))
    with replica(hub, place / "leader.log", *gateways) as leader:
        leader.until(lambda: LEADS in leader.text)
        with replica(hub, place / "follower.log", *gateways) as follower:
            until(lambda: len(leases(hub)) == 2)
            assert LEADS not in follower.text
            yield leader, follower


def leases(hub: Cluster) -> list[str]:
    """The names of the replicas' own Leases."""
    command = ("get", "leases", "-n", HOME, "-l", "fleetgate.dev/replica", "-o", "name")
    return hub.kubectl(*command).split()


def shows(hub: Cluster, status: str) -> None:
    """Wait until kubectl shows this status for the gateway."""
    until(lambda: hub.kubectl("get", "mseingressconfig", GATEWAY).split()[4] == status)


def test_a_gateway_listens_whichever_replica_its_envoy_is_connected_to(
    hub: Cluster, tmp_path: Path
) -> None:
    with leader_and_follower(hub, tmp_path) as (leader, follower):
        hub.kubectl("apply", "-f", "-", stdin=pods.gateway(GATEWAY, []))
        shows(hub, "Pending")
        follower.sync()
        with listening(follower.xds_port, f"mse/{GATEWAY}"):
            shows(hub, "Listening")
            with listening(leader.xds_port, f"mse/{GATEWAY}"):
                shows(hub, "Listening")
        shows(hub, "Pending")


def test_a_replica_that_is_killed_is_forgotten_with_its_envoys(
    hub: Cluster, tmp_path: Path
) -> None:
    hub.kubectl("apply", "-f", "-", stdin=pods.gateway(GATEWAY, []))
    with (
        leader_and_follower(hub, tmp_path) as (_, follower),
        listening(follower.xds_port, f"mse/{GATEWAY}"),
    ):
        shows(hub, "Listening")
        follower.kill()
        shows(hub, "Pending")
        until(lambda: len(leases(hub)) == 1)


def test_a_replica_that_stops_takes_its_lease_with_it(hub: Cluster, tmp_path: Path) -> None:
    with leader_and_follower(hub, tmp_path) as (_, follower):
        assert follower.stop() == 0
        assert len(leases(hub)) == 1


def problems(replica: Fleetgate, reason: str) -> list[str]:
    """The messages of all problems that `fleetgate status` lists."""
    return [p["message"] for p in replica.status()["problems"] if p["reason"] == reason]


def test_replicas_with_other_options_do_not_take_over_from_one_another(
    hub: Cluster, tmp_path: Path
) -> None:
    with (
        leader_and_follower(hub, tmp_path, "192.0.2.1") as (leader, follower),
        replica(hub, tmp_path / "other.log", "192.0.2.2", "0") as other,
    ):
        until(lambda: problems(other, "OtherOptions") != [])
        assert problems(other, "OtherOptions") == [
            "--bind: '192.0.2.2' (expected 192.0.2.1, as other replicas of this namespace "
            "have it); this replica writes nothing to the hub while these run"
        ]
        assert other.text.count("OtherOptions") == 1
        leader.kill()
        until(lambda: LEADS in follower.text)
        assert LEADS not in other.text
        follower.stop()
        until(lambda: LEADS in other.text)
        until(lambda: problems(other, "OtherOptions") == [])


def test_of_two_fleetgates_on_one_hub_the_first_writes_and_both_say_so(
    hub: Cluster, tmp_path: Path
) -> None:
    elsewhere = "gateways-too"
    hub.namespace(elsewhere)
    hub.kubectl("apply", "-f", "-", stdin=pods.gateway(GATEWAY, []))
    with replica(hub, tmp_path / "first.log", "192.0.2.1", "0") as first:
        shows(hub, "Pending")
        with replica(hub, tmp_path / "second.log", "192.0.2.2", "0", elsewhere) as second:
            until(lambda: problems(first, "AnotherFleetgate") != [])
            until(lambda: problems(second, "AnotherFleetgate") != [])
            assert "it stands by" in problems(first, "AnotherFleetgate")[0]
            assert "it is in charge" in problems(second, "AnotherFleetgate")[0]
            with listening(second.xds_port, f"mse/{GATEWAY}"):
                until(lambda: second.status()["gateways"][0]["phase"] == "Listening")
                until(lambda: LEADS in second.text)
                shows(hub, "Pending")
                first.kill()
                shows(hub, "Listening")
                until(lambda: problems(second, "AnotherFleetgate") == [])


@pytest.mark.usefixtures("real_envoy")
def test_statuses_go_on_when_the_leader_is_killed_and_no_envoy_notices(
    clusters: Clusters, tmp_path: Path
) -> None:
    require(netns.available())

    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            host, port = ready.address
            with leader_and_follower(ready.hub, tmp_path, host, port - 80) as (leader, follower):
                async with envoy(ready, follower.xds_port), load(ready) as asking:
                    leader.kill()
                    last = await asyncio.to_thread(when, ready.hub, "renewTime")
                    await ready.apply(pods.ingress("new", host="new.test"), "new.yaml")
                    await asyncio.to_thread(until, lambda: LEADS in follower.text)
                    taken = await asyncio.to_thread(when, ready.hub, "acquireTime")
                    assert taken - last < HANDOVER
                    await asyncio.to_thread(until, lambda: address_of(ready.hub, "new") == host)
                    await asyncio.to_thread(until, lambda: len(leases(ready.hub)) == 1)
                    await asking.answered(100)
                    assert envoys(follower) == ["envoy"]

    asyncio.run(scenario())


def when(hub: Cluster, what: str) -> datetime:
    """A time of the leader's Lease."""
    path = f"-ojsonpath={{.spec.{what}}}"
    return datetime.fromisoformat(hub.kubectl("get", "lease", "fleetgate-leader", "-n", HOME, path))


def address_of(hub: Cluster, ingress: str) -> str:
    shown = hub.kubectl("get", "ingress", ingress, "-ojsonpath={.status.loadBalancer}")
    found = json.loads(shown or "{}").get("ingress", [{"ip": ""}])
    return str(found[0]["ip"])


def envoys(serving: Fleetgate) -> list[str]:
    return [envoy["node"] for envoy in serving.status()["envoys"]]
