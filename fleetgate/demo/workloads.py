"""The Deployments and Services in a member's manifests.

The models have only the fields that a kubelet and an EndpointSlice controller act on. As in every
directory fleet, an empty file, or one that does not parse, keeps its old objects, since somebody
may be writing it. The objects of a deleted file are deleted.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import yaml
from pydantic import BeforeValidator, Field, StrictInt, StrictStr, ValidationError

from fleet.expectation import Location, expected_at
from fleet.models import LabelledMetadata, Model, Port
from fleet.prune import Tree, spell

log = logging.getLogger(__name__)

GRPC_SERVICE: Final = "grpc-health-checking"
"""The argument by which the image `agnhost` serves gRPC."""


def _absent_as_empty(value: object) -> object:
    return [] if value is None else value


class EnvVar(Model):
    """One variable of a container."""

    name: StrictStr
    value: StrictStr = ""


class ContainerPort(Model):
    """A port on which a container listens."""

    name: StrictStr = ""
    container_port: Port


class Container(Model):
    """One container of a Pod."""

    args: Annotated[tuple[StrictStr, ...], BeforeValidator(_absent_as_empty)] = ()
    env: Annotated[tuple[EnvVar, ...], BeforeValidator(_absent_as_empty)] = ()
    ports: Annotated[tuple[ContainerPort, ...], BeforeValidator(_absent_as_empty)] = ()


class PodSpec(Model):
    """`template.spec`."""

    containers: tuple[Container, ...] = ()


class TemplateMetadata(Model):
    """`template.metadata`."""

    labels: Mapping[StrictStr, StrictStr] = Field(default_factory=dict)


class PodTemplate(Model):
    """The template of a Deployment's Pods."""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: PodSpec = PodSpec()

    def env(self, name: str) -> str:
        """Return a variable of the first container that has it, "" where none has it."""
        for container in self.spec.containers:
            for variable in container.env:
                if variable.name == name:
                    return variable.value
        return ""

    @property
    def speaks_grpc(self) -> bool:
        """Whether a container is the gRPC health service of Kubernetes' image `agnhost`."""
        return any(GRPC_SERVICE in container.args for container in self.spec.containers)

    @property
    def ports(self) -> tuple[ContainerPort, ...]:
        """The ports of all containers."""
        return tuple(port for container in self.spec.containers for port in container.ports)


class DeploymentSpec(Model):
    """`Deployment.spec`. `selector` is ignored: the kubelet knows for whom it started a Pod."""

    replicas: Annotated[StrictInt, Field(ge=0)] = 1
    template: PodTemplate = PodTemplate()


class Deployment(Model):
    """`apps/v1` Deployment."""

    kind: Literal["Deployment"]
    metadata: LabelledMetadata
    spec: DeploymentSpec = DeploymentSpec()


class ServicePort(Model):
    """One port of a Service. Without `target_port` the Pods' port has the same number."""

    name: StrictStr = ""
    port: Port
    protocol: StrictStr = "TCP"
    target_port: Port | StrictStr | None = None

    def target(self, template: PodTemplate) -> int | None:
        """Return the number of the Pods' port, None where they have no port of this name."""
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
        """Return whether the Service selects Pods with these labels."""
        wanted = self.spec.selector.items()
        return bool(wanted) and namespace == namespace_of(self) and wanted <= labels.items()


def namespace_of(declared: Deployment | Service) -> str:
    """Return an object's namespace, `default` where it names none."""
    return declared.metadata.namespace or "default"


@dataclass(frozen=True, slots=True)
class Declared:
    """The objects of one member. Of two with one name, the first by file name counts."""

    deployments: tuple[Deployment, ...] = ()
    services: tuple[Service, ...] = ()


@dataclass(slots=True)
class MemberManifests:
    """The manifest files of one member's directory, except the file `ignored`."""

    directory: Path
    ignored: str
    _texts: dict[Path, bytes] = field(default_factory=dict)
    _held: dict[Path, tuple[Deployment | Service, ...]] = field(default_factory=dict)

    def read(self) -> Declared:
        """Read all files, and parse those that have changed since the last call."""
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
            except FileNotFoundError:  # deleted since it was listed
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
    """An object cannot be run. The text is a sentence with its name, the key and the value."""


def parse(text: bytes) -> Iterator[Deployment | Service]:
    """Yield the Deployments and Services of a manifest. Raises YAMLError and MistakeError."""
    for document in yaml.safe_load_all(text):
        match document:
            case {"kind": "Deployment"}:
                yield _validated(Deployment, document)
            case {"kind": "Service"}:
                yield _validated(Service, document)


def _validated(model: type[_D], document: Tree) -> _D:
    """Make a model of a document. Raises MistakeError."""
    try:
        return model.model_validate(document)
    except ValidationError as e:
        error = e.errors(include_url=False)[0]
        metadata = document.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else ""
        location = _within(document, error["loc"])
        key, expected = spell(document, location), expected_at(model, location)
        value = "is missing" if error["type"] == "missing" else repr(error["input"])[:120]
        mistake = f"{model.__name__} {name}: {key}: {value} (expected {expected})"
        raise MistakeError(mistake) from e


def _within(document: Tree, location: Location) -> Location:
    """Cut a location of pydantic to the part that exists in the document.

    Behind a plain value, pydantic names the member of a union.
    """
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
