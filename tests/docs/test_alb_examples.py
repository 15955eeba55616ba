"""The manifests of ALB in the documents are read without a problem."""

import re
from pathlib import Path
from typing import Final

import pytest

from fleet.documents import read_yaml
from fleet.events import Upserted
from fleet.models import Ingress
from fleet.parse import parse
from fleet.ref import HUB
from translators.dialects import DIALECTS
from translators.dialects.alb.gateway import read_alb_gateway
from translators.dialects.alb.ingress import read_alb_ingress
from translators.dialects.alb.objects import AlbConfig

DOCS: Final = Path(__file__).parents[2] / "docs"

_YAML: Final = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(
    ("file", "kind"), [("alb-listeners.md", "AlbConfig"), ("annotations.md", "Ingress")]
)
def test_a_manifest_has_no_problem(file: str, kind: str) -> None:
    texts = _YAML.findall((DOCS / file).read_text(encoding="utf-8"))
    manifests = [each for text in texts for each in read_yaml(text)]
    read = [parse(each.value, HUB, file, DIALECTS.kinds) for each in manifests]
    found = [each for each in read if isinstance(each, Upserted) and each.ref.kind == kind]
    assert found
    for each in found:
        assert each.problems == ()
        if isinstance(each.value, AlbConfig):
            assert read_alb_gateway(each.ref, each.value).problems == ()
        elif isinstance(each.value, Ingress) and each.value.spec.ingress_class_name == "alb":
            assert read_alb_ingress(each.ref, each.value).problems == ()
