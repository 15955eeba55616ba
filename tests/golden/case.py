"""Golden cases: manifests in, what Envoys get and what is wrong out.

    base/                     the fleet that most cases stand on: a gateway and two members
    cases/NAME/hub/*.yaml     what the case adds to the hub
    cases/NAME/clusters/ID/   members in place of those of base/
    cases/NAME/TYPE.yaml      the resources of each gateway; problems.yaml: what `check` says
    common.yaml               fields that the cases leave out where they are equal to these

Listeners do not depend on Ingresses: one case alone, of two gateways, shows them.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from fleet.problem import Problem, Severity
from fleetgate.core.offline import Offline, read_fleet, show

HERE: Final = Path(__file__).parent
COMMON: Final = HERE / "common.yaml"
CASES: Final = tuple(sorted(path.name for path in (HERE / "cases").iterdir()))

_WITH_LISTENERS: Final = "two-gateways"
_COMMON_FROM: Final = "balanced"
_OF_EVERY_HOST: Final = ("request_headers_to_remove", "retry_policy", "request_body_buffer_limit")

Json = Any  # resources as Envoy's own tools show them


@dataclass(frozen=True, slots=True)
class Case:
    """One case; its directory is its name."""

    name: str

    @property
    def directory(self) -> Path:
        """Where its input and its output stand."""
        return HERE / "cases" / self.name

    @property
    def expected(self) -> dict[str, str]:
        """The output that is expected, by file."""
        return {path.name: path.read_text() for path in sorted(self.directory.glob("*.yaml"))}

    def expect(self, output: Mapping[str, str]) -> None:
        """Expect this output from now on."""
        for path in self.directory.glob("*.yaml"):
            path.unlink()
        for name, text in output.items():
            (self.directory / name).write_text(text)

    def files(self) -> dict[str, Path]:
        """The files of its fleet by their paths in there."""
        base = dict(_manifests(HERE / "base"))
        own = dict(_manifests(self.directory))
        if any(name.startswith("clusters/") for name in own):
            base = {name: path for name, path in base.items() if name.startswith("hub/")}
        return {**base, **own}

    def make(self, root: Path) -> None:
        """Make its fleet in `root`, in place of the one that is there."""
        files = self.files()
        for name in dict(_manifests(root)).keys() - files.keys():
            (root / name).unlink()
        for name, path in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            draft = root / f"{name}~"
            shutil.copyfile(path, draft)
            draft.replace(root / name)

    def translate(self, root: Path, common: Json) -> dict[str, str]:
        """Its output as of now; `root` is an empty directory to work in."""
        self.make(root)
        offline = read_fleet(root, "127.0.0.1", 0)
        output: dict[str, dict[str, Json]] = {}
        for gateway, resources in sorted(offline.resources.items()):
            for section, shown in show(resources).items():
                if shown and (section != "listeners" or self.name == _WITH_LISTENERS):
                    short = [without(one, common.get(section)) for one in shown]
                    output.setdefault(f"{section}.yaml", {})[gateway] = short
        texts = {name: dump(by_gateway) for name, by_gateway in output.items()}
        if offline.problems:
            texts["problems.yaml"] = dump([_problem(offline, p) for p in offline.problems])
        return texts


def common_now(root: Path) -> Json:
    """What common.yaml holds as of now; `root` is an empty directory to work in."""
    Case(_COMMON_FROM).make(root)
    offline = read_fleet(root, "127.0.0.1", 0)
    shown = show(offline.resources["mse/gw"])
    cluster = {key: value for key, value in shown["clusters"][0].items() if key != "name"}
    table = shown["scoped_routes"][0]["route_configuration"]
    host = table["virtual_hosts"][0]
    route_configuration = {"virtual_hosts": [{key: host[key] for key in _OF_EVERY_HOST}]} | {
        key: table[key] for key in ("validate_clusters", "typed_per_filter_config")
    }
    return {
        "scoped_routes": {"route_configuration": route_configuration},
        "clusters": cluster,
        "endpoints": {"policy": shown["endpoints"][0]["policy"]},
    }


def without(value: Json, common: Json) -> Json:
    """Leave out the fields that are equal to the common ones; a common one that lacks is null.

    The one item of a common list stands for every item.
    """
    if isinstance(value, list) and isinstance(common, list):
        return [without(item, common[0]) for item in value]
    if not isinstance(value, dict) or not isinstance(common, dict):
        return value
    lacking = dict.fromkeys(sorted(common.keys() - value.keys()))
    differing = {key: item for key, item in value.items() if common.get(key) != item}
    return {k: without(v, common.get(k)) for k, v in differing.items()} | lacking


def dump(value: Json) -> str:
    """YAML for people: fields in their order, texts of several lines as such."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Literal blocks for texts of several lines, no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _problem(offline: Offline, problem: Problem) -> dict[str, str]:
    fields = {
        "file": offline.tree.file_of(problem.at),
        "object": str(problem.at),
        "reason": problem.reason,
        "key": problem.key,
        "value": problem.value,
        "expected": problem.expected,
        "effect": problem.effect,
        "severity": "" if problem.severity is Severity.WARNING else problem.severity.value,
    }
    return {key: value for key, value in fields.items() if value}


def _manifests(root: Path) -> Iterator[tuple[str, Path]]:
    for part in ("hub", "clusters"):
        for path in sorted((root / part).rglob("*.yaml")):
            yield str(path.relative_to(root)), path
