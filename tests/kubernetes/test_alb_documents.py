"""Runs the examples of ALB gateways, command by command, on real API servers with a real Envoy.

fleetgate has only the rights that deploy/ gives it.
"""

import asyncio
import io
import json
from pathlib import Path

import pytest

from fleetgate.demo.alb_examples import ALB_NORTH_SOUTH_TRAFFIC, alb_protocols
from fleetgate.demo.examples import SHOP
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.page import Page
from fleetgate.demo.self_signed import SelfSigned
from fleetgate.demo.walk import Walk
from tests.kubernetes.readers_view import ReadersView
from tests.kubernetes.rig import least_privileged, site
from tests.support import netns
from tests.support.authority import Authority
from tests.support.http3 import http3_client
from tests.support.kube import Clusters
from tests.support.process import fleetgate
from tests.support.requirement import require


@pytest.mark.timeout(300)  # 5000 requests, 60 commands
def test_every_example_of_alb_gateways_holds(
    clusters: Clusters, tmp_path: Path, real_envoy: None
) -> None:
    """At the end a real client asks by HTTP/3, which the demo cannot do."""
    require(netns.available())
    page = Page.on(io.StringIO(), {})
    protocols = alb_protocols(SelfSigned.make(SHOP))
    documents = (ALB_NORTH_SOUTH_TRAFFIC, protocols)

    async def walk() -> None:
        async with site(clusters, tmp_path) as ready:
            kubeconfig = await asyncio.to_thread(least_privileged, clusters, tmp_path)
            hub = ("--hub-kubeconfig", str(kubeconfig), "--write-status")
            with fleetgate(tmp_path / "fleetgate.log", "up", *hub, *ready.listening) as serving:
                reading = ReadersView(ready, serving)
                walking = Walk(ready.reader, ready.kubelet, reading, page, documents=documents)
                outcome = await walking.run()
                host, port = await walking.stand(protocols)
                to = http3_client(
                    (host, port - 80 + 443), SHOP, Authority.make("any"), checks=False
                )
                async with to as client:
                    by_quic = await client.ask(SHOP)
                    certificate = client.certificate
                status = "-ojsonpath={.status.loadBalancer}"
                shown = ready.hub.kubectl("get", "albconfig", protocols.gateway, status)
                refusals = [line for line in serving.text.splitlines() if "forbidden" in line]
        said = page.stream.getvalue()  # type: ignore[attr-defined]  # a StringIO
        assert (outcome.held, outcome.failed) == (11, 0), said
        assert reading.gateways == [each.gateway for each in (*documents, protocols)]
        assert reading.looks > outcome.held
        assert (certificate, by_quic.status) == (SHOP, 200)
        assert by_quic.body.startswith(b"This is env cluster")
        certificates = [{"certificateId": "demo/shop-tls", "isDefault": True}]
        assert json.loads(shown) == {
            "id": "alb-protocols-demo",
            "dnsname": host,
            "listeners": [
                {"portAndProtocol": "80/HTTP"},
                {"portAndProtocol": "443/HTTPS", "certificates": certificates},
                {"portAndProtocol": "443/QUIC", "certificates": certificates},
            ],
            "subClusters": [CLUSTER_1, CLUSTER_2],
        }
        assert refusals == []

    asyncio.run(walk())
