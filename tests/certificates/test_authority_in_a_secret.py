"""All replicas share one authority, in a Secret of a real API server."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fleet.kubernetes.connection import ApiServer
from fleetgate.certificates.made import MadeCertificates
from fleetgate.certificates.roots import Roots
from fleetgate.certificates.secret import NAME, SecretStore
from fleetgate.errors import OperatorError
from tests.certificates.served import SETTINGS, SHOP, Clock, authority
from tests.support.kube import Cluster, Clusters

NAMESPACE = "fleetgate-system"


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.namespace(NAMESPACE)
    return clusters.hub


@asynccontextmanager
async def store_of(hub: Cluster, namespace: str = NAMESPACE) -> AsyncIterator[SecretStore]:
    api = await ApiServer.from_kubeconfig(hub.config())
    try:
        yield SecretStore(api, namespace)
    finally:
        await api.close()


async def replica(hub: Cluster) -> MadeCertificates:
    async with store_of(hub) as store:
        return await MadeCertificates.open(store, SETTINGS, Clock())


def test_replicas_that_start_together_share_one_authority(hub: Cluster) -> None:
    async def story() -> None:
        replicas = await asyncio.gather(*(replica(hub) for _ in range(4)))
        (trust,) = {one.trust for one in replicas}
        assert trust.count(b"BEGIN CERTIFICATE") == 1

    asyncio.run(story())


def test_a_restart_finds_the_authority_again(hub: Cluster) -> None:
    async def story() -> None:
        first = await replica(hub)
        held = first.client_of(SHOP)
        assert (await replica(hub)).client_of(SHOP, held) is held

    asyncio.run(story())


def test_two_who_renew_at_once_agree_on_one(hub: Cluster) -> None:
    one, other = Roots((authority(),)), Roots((authority(),))

    async def story() -> None:
        async with store_of(hub) as store:
            assert await store.write(Roots((authority(),)), None)
            seen = await store.read()
            assert await store.write(one, seen)
            assert not await store.write(other, seen), "over a version that it has not read"
            assert not await store.write(other, None), "as if there were none"
            kept = await store.read()
            assert kept is not None
            assert kept.roots == one

    asyncio.run(story())


def test_a_secret_that_is_deleted_meanwhile_is_made_anew(hub: Cluster) -> None:
    async def story() -> None:
        async with store_of(hub) as store:
            assert await store.write(Roots((authority(),)), None)
            seen = await store.read()
            await asyncio.to_thread(hub.kubectl, "delete", "secret", NAME, "-n", NAMESPACE)
            assert await store.read() is None
            assert not await store.write(Roots((authority(),)), seen)
            assert await store.write(Roots((authority(),)), None)

    asyncio.run(story())


def test_the_certificate_can_be_read_with_kubectl(hub: Cluster) -> None:
    certificates = asyncio.run(replica(hub))
    shown = json.loads(hub.kubectl("get", "secret", NAME, "-n", NAMESPACE, "-o", "json"))
    assert base64.b64decode(shown["data"]["ca.crt"]) == certificates.trust
    assert shown["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "fleetgate"}


def test_a_broken_secret_says_what_to_do_and_nothing_of_a_key(hub: Cluster) -> None:
    asyncio.run(replica(hub))
    broken = json.dumps({"data": {"ca.crt": base64.b64encode(b"x").decode()}})
    hub.kubectl("patch", "secret", NAME, "-n", NAMESPACE, "-p", broken)
    with pytest.raises(OperatorError) as caught:
        asyncio.run(replica(hub))
    assert str(caught.value) == (
        "Secret fleetgate-system/fleetgate-xds-ca cannot be used: holds no certificate in PEM; "
        "put back ca.crt and ca.key as they were, or delete it, and every Envoy needs a new "
        "certificate"
    )


def test_a_namespace_that_is_not_there_is_told(hub: Cluster) -> None:
    async def story() -> None:
        async with store_of(hub, "nowhere") as store:
            await MadeCertificates.open(store, SETTINGS, Clock())

    with pytest.raises(OperatorError) as caught:
        asyncio.run(story())
    assert "cannot write Secret nowhere/fleetgate-xds-ca at https://127.0.0.1" in str(caught.value)
    assert 'namespaces "nowhere" not found' in str(caught.value)


def test_an_account_without_rights_is_told(hub: Cluster) -> None:
    hub.kubectl("create", "serviceaccount", "nobody", "-n", NAMESPACE)
    token = hub.kubectl("create", "token", "nobody", "-n", NAMESPACE).strip()

    async def story() -> None:
        api = await ApiServer.from_kubeconfig(hub.config(token))
        try:
            await MadeCertificates.open(SecretStore(api, NAMESPACE), SETTINGS, Clock())
        finally:
            await api.close()

    with pytest.raises(OperatorError, match=r"cannot read Secret .* \(status 403: .*forbidden"):
        asyncio.run(story())
