"""A gateway's Strict-Transport-Security: a usable value is spelt in the usual way."""

import pytest

from tests.support.builders import mse_gateway
from tests.support.translation import World
from translators.dialects.annotations.reader import Unusable
from translators.dialects.hsts import HSTS, parse_hsts
from xds.resource import TypeUrl


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("max-age=15724800", "max-age=15724800"),
        ("max-age=0", "max-age=0"),
        ('MAX-AGE="60"', "max-age=60"),
        ("includesubdomains ; max-age=60", "max-age=60; includeSubDomains"),
        ("max-age=60;PRELOAD;includeSubDomains", "max-age=60; includeSubDomains; preload"),
    ],
)
def test_a_usable_value(text: str, value: str) -> None:
    assert parse_hsts(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "60",
        "max-age",
        "max-age=",
        "max-age=-1",
        "max-age=60s",
        "max-age = 60",
        "max-age=60; max-age=61",
        "max-age=60;",
        "max-age=60; preload; preload",
        "max-age=60; immutable",
        "max-age=60\r\nset-cookie: a=b",
        "max-age=60; %DOWNSTREAM_LOCAL_PORT%",
        "max-age=" + "9" * 11,
        'max-age="60',
    ],
)
def test_any_other_value_is_unusable(text: str) -> None:
    with pytest.raises(Unusable):
        parse_hsts(text)


def test_it_is_a_matter_of_the_listener_for_tls_alone() -> None:
    world = World()
    world.put(mse_gateway("gw").manifest)
    before = world.versions()["mse/gw"]
    world.put(mse_gateway("gw").annotate({HSTS: "max-age=60"}).manifest)
    after = world.versions()["mse/gw"]
    assert [key for key in after if after[key] != before[key]] == [(TypeUrl.LISTENER, "https-443")]


def test_an_unusable_value_is_told_and_has_no_effect() -> None:
    world = World()
    world.put(mse_gateway("gw").annotate({HSTS: "true"}).manifest)
    (status,) = world.translator.tables.statuses.of_gateways.rows.values()
    (problem,) = (p for p in status.problems if p.key == HSTS)
    assert (problem.reason, problem.effect) == ("InvalidAnnotation", "none holds")
    https = world.snapshots["mse/gw"][TypeUrl.LISTENER, "https-443"].body
    assert b"strict-transport-security" not in https
