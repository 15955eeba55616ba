"""What a member's manifests ask to run: Deployments, and the Services in front of them.

Only the fields that a kubelet and an EndpointSlice controller act on. The same rule as for every
directory fleet: a file that is empty or does not parse keeps what it held, since somebody is
writing it; a file that is gone takes its objects with it.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BeforeValidator, Field, StrictInt, StrictStr, ValidationError

from fleet.expectation import Location, expected_at
from fleet.models import LabelledMetadata, Model, Port
from fleet.prune import Tree, spell

log = logging.getLogger(__name__)


def _absent_as_empty(value: object) -> object:
    return [] if value is None else value


class EnvVar(Model):
    """One variable of a container."""

    name: StrictStr
    value: StrictStr = ""


class ContainerPort(Model):
    """A port that a container says it listens on."""

    name: StrictStr = ""
    container_port: Port


class Container(Model):
    """One container of a Pod."""

    env: Annotated[tuple[EnvVar, ...], BeforeValidator(_absent_as_empty)] = ()
    ports: Annotated[tuple[ContainerPort, ...], BeforeValidator(_absent_as_empty)] = ()


class PodSpec(Model):
    """`template.spec`."""

    containers: tuple[Container, ...] = ()


class TemplateMetadata(Model):
    """`template.metadata`."""

    labels: Mapping[StrictStr, StrictStr] = Field(default_factory=dict)


class PodTemplate(Model):
    """What each Pod of a Deployment is like."""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: PodSpec = PodSpec()

    def env(self, name: str) -> str:
        """Give a variable of the first container that has it, "" where none has."""
        for container in self.spec.containers:
            for variable in container.env:
                if variable.name == name:
                    return variable.value
        return ""

    @property
    def ports(self) -> tuple[ContainerPort, ...]:
        """All ports that the containers say they listen on."""
        return tuple(port for container in self.spec.containers for port in container.ports)


class DeploymentSpec(Model):
    """`Deployment.spec`; Pods belong to it by having been started for it, not by `selector`."""

    replicas: Annotated[StrictInt, Field(ge=0)] = 1
    template: PodTemplate = PodTemplate()


class Deployment(Model):
    """`apps/v1` Deployment."""

    kind: Literal["Deployment"]
    metadata: LabelledMetadata
    spec: DeploymentSpec = DeploymentSpec()


class ServicePort(Model):
    """One port of a Service; no `target_port` means the same number."""

    name: StrictStr = ""
    port: Port
    protocol: StrictStr = "TCP"
    target_port: Port | StrictStr | None = None

    def target(self, template: PodTemplate) -> int | None:
        """Give the number of the Pods' port, None where a name is not one of theirs."""
        if not isinstance(self.target_port, str):
            return self.target_port or self.port
        named = (port.container_port for port in template.ports if port.name == self.target_port)
        return next(named, None)


class ServiceSpec(Model):
    """`Service.spec`."""

    selector: Mapping[StrictStr, StrictStr] = Field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()


class Service(Model):
    """`v1` Service."""

    kind: Literal["Service"]
    metadata: LabelledMetadata
    spec: ServiceSpec = ServiceSpec()

    def selects(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether Pods with these labels are behind it; a Service without selector has none."""
        wanted = self.spec.selector.items()
        return bool(wanted) and namespace == namespace_of(self) and wanted <= labels.items()


def namespace_of(declared: Deployment | Service) -> str:
    """Give an object's namespace; none means `default`."""
    return declared.metadata.namespace or "default"


@dataclass(frozen=True, slots=True)
class Declared:
    """What one member's manifests ask for; of two objects with one name the first by file."""

    deployments: tuple[Deployment, ...] = ()
    services: tuple[Service, ...] = ()


@dataclass(slots=True)
class MemberManifests:
    """The manifest files of one member's directory, but for the one that the kubelet writes."""

    directory: Path
    ignored: str
    _texts: dict[Path, bytes] = field(default_factory=dict)
    _held: dict[Path, tuple[Deployment | Service, ...]] = field(default_factory=dict)

    def read(self) -> Declared:
        """Read what has changed since; costs one read a file and a parse per changed one."""
        present = {
            path
            for path in (*self.directory.glob("*.yaml"), *self.directory.glob("*.yml"))
            if path.name != self.ignored
        }
        for path in self._texts.keys() - present:
            del self._texts[path]
            self._held.pop(path, None)
        for path in present:
            try:
                self._read_file(path)
            except FileNotFoundError:  # gone since; its event is on the way
                continue
        objects = [item for path in sorted(self._held) for item in self._held[path]]
        return Declared(
            deployments=tuple(_first_of_each(o for o in objects if isinstance(o, Deployment))),
            services=tuple(_first_of_each(o for o in objects if isinstance(o, Service))),
        )

    def _read_file(self, path: Path) -> None:
        text = path.read_bytes()
        if self._texts.get(path) == text:
            return
        self._texts[path] = text
        try:
            if text.strip():
                self._held[path] = tuple(parse(text))
        except MistakeError as error:
            log.warning("%s: %s; the file keeps what it held", path, error)
        except yaml.YAMLError:
            log.info("%s keeps what it held, as whoever reads the fleet says too", path)


_D = TypeVar("_D", Deployment, Service)


class MistakeError(ValueError):
    """An object that cannot be run; the text is one sentence that names it, key and value."""


def parse(text: bytes) -> Iterator[Deployment | Service]:
    """Read the Deployments and Services of a manifest; YAMLError or MistakeError if broken."""
    for document in yaml.safe_load_all(text):
        match document:
            case {"kind": "Deployment"}:
                yield _validated(Deployment, document)
            case {"kind": "Service"}:
                yield _validated(Service, document)


def _validated(model: type[_D], document: Tree) -> _D:
    """Raises MistakeError."""
    try:
        return model.model_validate(document)
    except ValidationError as e:
        error = e.errors(include_url=False)[0]
        metadata = document.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else ""
        location = _within(document, error["loc"])
        key, expected = spell(document, location), expected_at(model, location)
        value = "is missing" if error["type"] == "missing" else repr(error["input"])[:120]
        told = f"{model.__name__} {name}: {key}: {value} (expected {expected})"
        raise MistakeError(told) from e


def _within(document: Tree, location: Location) -> Location:
    """Without the steps after a plain value, which name the members of a union."""
    value = document
    for depth, step in enumerate(location):
        match value, step:
            case dict(), str():
                value = value.get(step)
            case list(), int():
                value = value[step]
            case _:
                return location[:depth]
    return location


def _first_of_each(objects: Iterable[_D]) -> Iterator[_D]:
    seen: set[tuple[str, str]] = set()
    for declared in objects:
        name = (namespace_of(declared), declared.metadata.name)
        if name not in seen:
            seen.add(name)
            yield declared
