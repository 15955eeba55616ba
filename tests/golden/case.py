"""Golden cases: each has the manifests of a fleet, and the resources and problems that follow.

    base/                     the gateway and two members that most cases use
    cases/NAME/hub/*.yaml     the manifests that the case adds to the hub
    cases/NAME/clusters/ID/   members that replace those of base/
    cases/NAME/members/ID.yaml  the settings of a member
    cases/NAME/TYPE.yaml      the resources of each gateway; problems.yaml: the output of `check`
    common.yaml               fields that the cases omit where they have these values

Listeners and endpoints depend on few features, so only cases about them show them: those that have
a file `listeners.yaml` or `endpoints.yaml`. To make a case one of these, create the file empty, and
run `make golden`. Of the listeners the case with two gateways shows all, and other cases show what
differs from the first listener.
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
    """One case. Its name is the name of its directory."""

    name: str

    @property
    def directory(self) -> Path:
        """The directory of its manifests and its expected output."""
        return HERE / "cases" / self.name

    def is_about(self, section: str) -> bool:
        """Whether the expected output has resources that only some cases show."""
        return (self.directory / f"{section}.yaml").exists()

    @property
    def expected(self) -> dict[str, str]:
        """The expected output, by file name."""
        return {path.name: path.read_text() for path in sorted(self.directory.glob("*.yaml"))}

    def expect(self, output: Mapping[str, str]) -> None:
        """Write this output as the expected one."""
        for path in self.directory.glob("*.yaml"):
            path.unlink()
        for name, text in output.items():
            (self.directory / name).write_text(text)

    def files(self) -> dict[str, Path]:
        """Return the manifests of its fleet, by their paths in the fleet's directory."""
        base = dict(_manifests(HERE / "base"))
        own = dict(_manifests(self.directory))
        if any(name.startswith("clusters/") for name in own):
            base = {name: path for name, path in base.items() if name.startswith("hub/")}
        return {**base, **own}

    def make(self, root: Path) -> None:
        """Write its fleet into `root`, in place of the fleet of another case."""
        files = self.files()
        for name in dict(_manifests(root)).keys() - files.keys():
            (root / name).unlink()
        for name, path in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            draft = root / f"{name}~"
            shutil.copyfile(path, draft)
            draft.replace(root / name)

    def translate(self, root: Path, common: Json) -> dict[str, str]:
        """Translate its fleet, in the empty directory `root`, and return the output."""
        self.make(root)
        limited = {section: self.is_about(section) for section in ("listeners", "endpoints")}
        offline = read_fleet(root, "127.0.0.1", 0)
        output: dict[str, dict[str, Json]] = {}
        for gateway, resources in sorted(offline.resources.items()):
            for section, shown in show(resources).items():
                if shown and limited.get(section, True):
                    short = [without(one, common.get(section)) for one in shown]
                    if section == "listeners" and self.name != _WITH_LISTENERS:
                        short = [without(one, shown[0]) for one in shown[1:]]
                    output.setdefault(f"{section}.yaml", {})[gateway] = short
        texts = {name: dump(by_gateway) for name, by_gateway in output.items()}
        if offline.problems:
            texts["problems.yaml"] = dump([_problem(offline, p) for p in offline.problems])
        return texts


def common_now(root: Path) -> Json:
    """Translate a fleet, in the empty directory `root`, and return the content of common.yaml."""
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
    """Omit the fields that are equal to common ones. A common field that is absent becomes null.

    Items of lists of one length are compared in pairs. Otherwise the first common item stands for
    every item.
    """
    if isinstance(value, list) and isinstance(common, list) and common:
        others = common if len(common) == len(value) else common[:1] * len(value)
        return [without(item, other) for item, other in zip(value, others, strict=True)]
    if not isinstance(value, dict) or not isinstance(common, dict):
        return value
    lacking = dict.fromkeys(sorted(common.keys() - value.keys()))
    differing = {key: item for key, item in value.items() if common.get(key) != item}
    return {k: without(v, common.get(k)) for k, v in differing.items()} | lacking


def dump(value: Json) -> str:
    """Write YAML for people: fields keep their order, and texts of several lines are blocks."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as literal blocks, and uses no anchors."""

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
    for part in ("hub", "clusters", "members"):
        for path in sorted((root / part).rglob("*.yaml")):
            yield str(path.relative_to(root)), path
