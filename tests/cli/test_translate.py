"""`translate` prints what each gateway's Envoys would be sent."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.commands import fleetgate
from tests.support.builders import mse_gateway, write


@pytest.fixture
def fleet(fleet: Path) -> Path:
    """The fleet with a second gateway."""
    second = mse_gateway("api", members=["east"], ingress_class="api")
    write(fleet, "hub/second.yaml", second)
    return fleet


@pytest.mark.parametrize("output", ["yaml", "json"])
def test_one_document_a_gateway_in_the_order_of_their_names(fleet: Path, output: str) -> None:
    translated = fleetgate("translate", fleet, "-o", output)

    assert (translated.status, translated.err) == (0, "")
    text = translated.out
    documents = json.loads(text) if output == "json" else list(yaml.safe_load_all(text))
    assert [document["gateway"] for document in documents] == ["mse/api", "mse/shop"]


def test_a_gateways_resources_stand_in_the_order_of_a_request(fleet: Path) -> None:
    translated = fleetgate("translate", fleet, "--gateway", "mse/shop")

    (shop,) = yaml.safe_load_all(translated.out)
    assert list(shop) == ["gateway", "listeners", "scoped_routes", "clusters", "endpoints"]
    address = shop["endpoints"][0]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
    assert address["socket_address"] == {"address": "127.0.0.9", "port_value": 8080}


def test_each_gateway_gets_an_address_of_its_own(fleet: Path) -> None:
    translated = fleetgate("translate", fleet, "--bind", "127.0.0.5", "--port-offset", "10000")

    assert [
        (place["address"], place["port_value"])
        for gateway in yaml.safe_load_all(translated.out)
        for listener in gateway["listeners"]
        for place in [listener["address"]["socket_address"]]
    ] == [(host, port) for host in ("127.0.0.5", "127.0.0.6") for port in (10080, 10443)]


def test_texts_of_many_lines_are_printed_as_such(fleet: Path) -> None:
    assert "\\n" not in fleetgate("translate", fleet).out


def test_problems_do_not_hinder_it(fleet: Path) -> None:
    write(fleet, "hub/broken.yaml", "spec: [\n")

    translated = fleetgate("translate", fleet, "--gateway", "mse/shop")

    assert (translated.status, translated.err) == (0, "")
    assert translated.out.startswith("---\ngateway: mse/shop\n")


def test_a_gateway_that_is_not_there_is_told_with_those_that_are(fleet: Path) -> None:
    translated = fleetgate("translate", fleet, "--gateway", "mse/shopp")

    translated.says("has no gateway mse/shopp; it has: mse/api, mse/shop")
    assert translated.out == ""
