"""Whatever text stands in a manifest, translation ends, and its resources are well-formed."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.events import Refused, Upserted
from fleet.parse import parse
from fleet.ref import HUB
from tests.fuzz.generator import ALB_KEYS, KEYS
from tests.support.builders import alb_class, alb_gateway, ingress, mse_gateway
from tests.support.translation import World
from translators.dialects import DIALECTS
from xds.readable import readable

_ANY = st.text(max_size=60)
_ASCII = st.text(st.characters(max_codepoint=0x7F), max_size=20)
_CANARY = {"nginx.ingress.kubernetes.io/canary": "true"}


@settings(max_examples=300)
@given(
    host=_ANY | _ASCII.map(lambda text: f"{text}.example.com"),
    path=_ANY | _ASCII.map(lambda text: f"/{text}"),
    port=_ANY.filter(lambda text: not text.isdigit()) | st.just("80"),
    kind=st.sampled_from(["Exact", "Prefix", None]) | _ANY,
    annotations=st.dictionaries(st.sampled_from((*KEYS, *ALB_KEYS)), _ANY | _ASCII, max_size=6),
    dialect=st.sampled_from(["mse", "alb"]),
)
def test_any_text(
    host: str,
    path: str,
    port: str,
    kind: str | None,
    annotations: Mapping[str, str],
    dialect: str,
) -> None:
    main = ingress("main", host=host).path(path, to=f"web:{port}", kind=kind).of_class(dialect)
    canary = ingress("canary", host=host).path(path, to="web-new:80", kind=kind).of_class(dialect)
    manifests = [main.manifest, canary.annotate({**_CANARY, **annotations}).manifest]
    world = World()
    world.put(mse_gateway("gw").manifest, alb_gateway("gw").manifest, alb_class("alb").manifest)

    found = [parse(manifest, HUB, "hub/x.yaml", DIALECTS.kinds) for manifest in manifests]
    world.apply(one for one in found if isinstance(one, Upserted | Refused))

    for (type_url, name), resource in world.snapshots[f"{dialect}/gw"].items():
        assert name in readable(type_url, resource.body).values()
