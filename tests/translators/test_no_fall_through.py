"""Requests of a host that has rules never go to a wildcard, nor to rules without host."""

from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.routed import routed
from tests.support.translation import World
from tests.translators.host_rules import ASKED_HOSTS, ASKED_PATHS, some_ingresses
from tests.translators.manifests import gateway_manifest


@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_a_request_goes_to_its_closest_host_alone(random: Random) -> None:
    declared = some_ingresses(random)
    world = World()
    world.put(gateway_manifest(), *(each.of_class("mse").manifest for each in declared.ingresses))
    for host, path in product(ASKED_HOSTS, ASKED_PATHS):
        assert routed(world, host, path) == declared.serving(host, path), (host, path)
