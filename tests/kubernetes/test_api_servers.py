"""The tests' API servers are real, can be killed, and are empty at the start of every test."""

import pytest

from tests.support.kube import Clusters

CONFIG_MAP = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"made-by-a-test"}}'


def test_it_is_the_real_server_and_kubectl_speaks_with_it(clusters: Clusters) -> None:
    assert "gitVersion: v1.36.3" in clusters.hub.kubectl("version", "--output=yaml")
    assert clusters.hub.kubectl("get", "namespace", "default", "--output=name").strip()


@pytest.mark.parametrize("time", ["once", "again"])
def test_a_test_finds_nothing_of_another_test(clusters: Clusters, time: str) -> None:
    found = clusters.hub.kubectl("get", "configmaps", "--output=name")
    assert "made-by-a-test" not in found, time
    clusters.hub.kubectl("create", "--filename=-", stdin=CONFIG_MAP)


def test_a_killed_server_comes_back_with_its_data(clusters: Clusters) -> None:
    clusters.c1.kubectl("create", "--filename=-", stdin=CONFIG_MAP)
    clusters.c1.kill()
    assert clusters.c1.try_kubectl("get", "configmaps").returncode == 1
    clusters.c1.start()
    found = clusters.c1.kubectl("get", "configmaps", "--output=name")
    assert "made-by-a-test" in found


def test_members_are_apart_from_the_hub(clusters: Clusters) -> None:
    hub, c1, c2 = clusters.all()
    c1.kubectl("create", "--filename=-", stdin=CONFIG_MAP)
    for other in (hub, c2):
        assert "made-by-a-test" not in other.kubectl("get", "configmaps", "--output=name")
