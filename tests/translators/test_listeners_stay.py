"""No annotation changes a Listener, so no connection drains when one comes, changes or goes."""

from collections.abc import Mapping
from typing import Final

import pytest

from tests.support.annotations import examples
from tests.support.builders import ingress, mse_gateway, service
from tests.support.secrets import secrets
from tests.support.translation import World
from translators.dialects.annotations.feature import Feature
from translators.dialects.mse.features import FEATURES
from xds.resource import TypeUrl

OWN_CHAINS: Final = frozenset(
    {"TLS versions", "TLS ciphers", "Client certificates", "TLS passthrough"}
)
"""Features that give a host a filter chain of its own."""


_TRUSTING: Final = {"fleetgate.dev/trusted-proxies": "10.0.0.0/8"}
"""Only such a gateway knows which requests are in clear."""


def _listeners(world: World) -> Mapping[str, str]:
    return {
        name: resource.version
        for (type_url, name), resource in world.snapshots["mse/gw"].items()
        if type_url is TypeUrl.LISTENER
    }


def _feature(feature: Feature) -> object:
    return pytest.param(feature, id=feature.name)


@pytest.mark.parametrize(
    "feature", [_feature(each) for each in FEATURES if each.name not in OWN_CHAINS]
)
def test_an_annotation_comes_changes_and_goes_without_a_change_of_a_listener(
    feature: Feature,
) -> None:
    world = World()
    world.attach("one")
    world.put(service("web").manifest, origin="one")
    gateway = mse_gateway("gw", members=["one"]).annotate(_TRUSTING)
    world.put(gateway.manifest, *(each.manifest for each in secrets()))
    plain = ingress("web", host="web.test").path("/a.b", to="web:80").of_class("mse")
    world.put(plain.manifest)
    before, tables = _listeners(world), set[str]()

    everything = examples(feature)
    for left_out in everything:
        others = {key: value for key, value in everything.items() if key != left_out}
        for annotations in ({left_out: everything[left_out]}, everything, others, {}):
            world.put(plain.annotate(annotations).manifest)
            tables.add(str(world.versions()["mse/gw"]))
            assert _listeners(world) == before

    assert len(tables) > 1, "an example has no effect at all"
    world.remove(plain.manifest)
    assert _listeners(world) == before
