"""The recipes of docs/architecture.md work, and touch no files but those that they name.

Each test carries out a recipe on a copy of the product, which then translates a fleet.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.generated import ROOT
from tests.support.builders import ingress, mse_gateway, service, slice_of, write
from tests.translators import toy

PACKAGES = ("fleet", "fleetgate", "translators", "xds")
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MSE = "translators/dialects/mse"


@dataclass(frozen=True, slots=True)
class Recipe:
    """New files by their paths, and lines that are inserted behind others in existing files."""

    title: str
    files: Mapping[str, str]
    lines: Mapping[str, tuple[tuple[str, str], ...]]

    def carry_out(self, root: Path) -> None:
        """Carry out the recipe on a copy of the product."""
        for path, text in self.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        for path, pairs in self.lines.items():
            text = (root / path).read_text(encoding="utf-8")
            for behind, line in pairs:
                assert behind in text
                text = text.replace(behind, behind + line, 1)
            (root / path).write_text(text, encoding="utf-8")

    @property
    def touched(self) -> frozenset[str]:
        """The files that the recipe makes or changes."""
        return frozenset(self.files) | frozenset(self.lines)


_POLICY = """
from dataclasses import dataclass
from typing import ClassVar

from translators.envoy.messages import HeaderValue, HeaderValueOption
from translators.envoy.parts import RouteParts
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class Greeting(EnvoyPolicy):
    scope: ClassVar[Scope] = Scope.ROUTE
    text: str

    def route(self, parts: RouteParts) -> None:
        header = HeaderValue(key="x-greeting", value=self.text)
        parts.route.add("response_headers_to_add", HeaderValueOption(header=header))
"""

_SPELLING_OF_POLICY = """
from translators.dialects.annotations.feature import policy_feature
from translators.dialects.annotations.reader import own
from translators.dialects.annotations.values import printable
from translators.policies.greeting import Greeting

GREETING = own("greeting", "what every answer says")
FEATURE = policy_feature(
    "Greeting",
    (GREETING,),
    lambda reader: reader.find(GREETING, lambda text: Greeting(printable(text))),
)
"""

_SPELLING = """
from dataclasses import replace

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import own
from translators.dialects.annotations.values import printable
from translators.model.actions import FixedResponse

ANSWER = own("greeting", "what answers instead of the backend")
FEATURE = rule_feature(
    "Answer",
    (ANSWER,),
    lambda reader: reader.read(ANSWER, printable),
    lambda rule, text: replace(rule, action=FixedResponse(200, text)),
)
"""

_LISTED = {
    f"{MSE}/features.py": (
        (
            "from translators.dialects.mse.destination import FEATURE as DESTINATION\n",
            "from translators.dialects.mse.greeting import FEATURE as GREETING\n",
        ),
        ("    HTTPS_REDIRECT,\n", "    GREETING,\n"),
    )
}
_TOY = Path(toy.__file__).parent

RECIPES = (
    Recipe("A new spelling", {f"{MSE}/greeting.py": _SPELLING}, _LISTED),
    Recipe(
        "A new policy",
        {
            "translators/policies/greeting.py": _POLICY,
            f"{MSE}/greeting.py": _SPELLING_OF_POLICY,
        },
        _LISTED,
    ),
    Recipe(
        "A new dialect",
        {
            "translators/dialects/toy/__init__.py": "",
            "translators/dialects/toy/dialect.py": _TOY.joinpath("dialect.py")
            .read_text(encoding="utf-8")
            .replace("from translators.dialects import DIALECTS\n", "")
            .replace("WITH_TOY = Dialects((*DIALECTS, TOY))\n", ""),
        },
        {
            "translators/dialects/__init__.py": (
                (
                    "from translators.dialects.mse.dialect import MSE\n",
                    "from translators.dialects.toy.dialect import TOY\n",
                ),
                ("DIALECTS: Final = Dialects((MSE, ALB", ", TOY"),
            )
        },
    ),
)


@pytest.fixture
def product(tmp_path: Path) -> Path:
    root = tmp_path / "product"
    for package in PACKAGES:
        leave_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, root / package, ignore=leave_out)
    return root


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    root = tmp_path / "fleet"
    toy_gateway: dict[str, Any] = {
        "apiVersion": "toy.example/v1",
        "kind": "ToyGateway",
        "metadata": {"name": "gw", "annotations": {"toy.example/members": "c1"}},
    }
    for of, key in (("mse", "mse.ingress.kubernetes.io/greeting"), ("toy", "toy.example/greeting")):
        shop = ingress(of, host=f"{of}.test").path("/", to="shop:80").of_class(of)
        write(root, f"hub/{of}.yaml", shop.annotate({key: "good morning"}))
    write(root, "hub/gateways.yaml", mse_gateway("gw", members=["c1"]), toy_gateway)
    shop_slice = slice_of("shop", addresses=["10.0.0.1"])
    write(root, "clusters/c1/shop.yaml", service("shop"), shop_slice)
    return root


def table(product: Path, fleet: Path, of: str) -> str:
    """Return the route table of a host, as `fleetgate translate` prints it; "" if there is none."""
    done = subprocess.run(
        [sys.executable, "-m", "fleetgate", "translate", str(fleet)],
        check=False,
        capture_output=True,
        text=True,
        cwd=product,
        env={**os.environ, "PYTHONPATH": str(product), "PYTHONSAFEPATH": ""},
    )
    assert "Traceback" not in done.stderr, done.stderr
    gateways = yaml.safe_load_all(done.stdout)
    tables = (t for g in gateways if g["gateway"] == f"{of}/gw" for t in g["scoped_routes"])
    return next((yaml.safe_dump(t) for t in tables if t["name"] == f"{of}|{of}.test"), "")


@pytest.mark.parametrize("recipe", [pytest.param(each, id=each.title) for each in RECIPES])
def test_a_recipe_is_enough(recipe: Recipe, product: Path, fleet: Path) -> None:
    of = "toy" if recipe.title == "A new dialect" else "mse"
    assert "good morning" not in table(product, fleet, of)
    recipe.carry_out(product)
    assert "good morning" in table(product, fleet, of)


@pytest.mark.parametrize("recipe", [pytest.param(each, id=each.title) for each in RECIPES])
def test_a_recipe_touches_what_the_page_says(recipe: Recipe) -> None:
    steps = PAGE.partition(f"### {recipe.title}\n")[2].partition("\n#")[0]
    if recipe.title == "A new policy":  # its second step is a spelling
        steps += PAGE.partition("### A new spelling\n")[2].partition("\n#")[0]
    named = re.findall(r"`(translators/[^`]*)`", steps)
    patterns = [re.sub(r"[A-Z]{3,}", "[a-z_]+", re.escape(path)) for path in named]
    for path in recipe.touched:
        assert any(re.match(pattern, path) for pattern in patterns), path
