"""What a group of clients shall hold: what is declared, less what was rejected.

For each name a Snapshot knows the declared resource and the last one that some client has
acknowledged. The second stands in where the first was rejected.
It also owns what all streams of the group share: subscribed names, encoded responses, and the Whole
of each type.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, TypeAlias

from xds.changes import Changes, Whole
from xds.encoding import Encoder
from xds.quarantine import Quarantine
from xds.resource import Resource, TypeUrl
from xds.subscribed_names import NamePool
from xds.verdicts import Verdicts


class Withheld(Enum):
    """The answer to a name whose declared version was rejected and has no good predecessor."""

    WITHHELD = auto()


WITHHELD: Final = Withheld.WITHHELD
Target: TypeAlias = Resource | Withheld | None
"""What a node shall hold under a name; None for a name that is not declared."""


class Snapshot:
    """The resources of one group. `epoch` is unlike that of any other process (xds.variation)."""

    def __init__(self, epoch: str) -> None:
        self.names = NamePool()
        self.encoder = Encoder(epoch)
        self.versions: dict[str, str] = {}
        """By type, the version that was given for what is declared of it."""

        self.undecided: frozenset[str] = frozenset()
        """Types of which more may be declared soon, so that no name of them counts as absent."""

        self._quarantine = Quarantine()
        self._verdicts: Verdicts | None = None
        self._declared: dict[str, dict[str, Resource]] = {}
        self._good: dict[str, dict[str, Resource]] = {}
        self._wholes: dict[str, Whole] = {}

    def declared(self, type_url: str) -> Mapping[str, Resource]:
        """What was published, rejected or not; a live view."""
        return MappingProxyType(self._declared.get(type_url, {}))

    def types(self) -> tuple[str, ...]:
        """The types that have a declared resource."""
        return tuple(type_url for type_url, named in self._declared.items() if named)

    def declare(self, type_url: str, name: str, resource: Resource | None) -> bool:
        """Set or remove one resource; False if its version is the declared one already."""
        named = self._declared.setdefault(type_url, {})
        before = named.get(name)
        self._wholes.pop(type_url, None)
        if resource is None:
            if before is None:
                return False
            del named[name]
            self._moved_on(type_url, before)
            self._good.get(type_url, {}).pop(name, None)
            self.encoder.forget(type_url, name)
            return True
        named[name] = resource
        if before is not None and before.version == resource.version:
            return False
        if before is not None:
            self._moved_on(type_url, before)
        if self._quarantine.knows(type_url, name):
            self._quarantine.is_back(type_url, name, resource.version)
            self._verdicts = None
        return True

    def _moved_on(self, type_url: str, before: Resource) -> None:
        if self._quarantine.knows(type_url, before.name):
            self._quarantine.moved_on(type_url, before.name, before.version)
            self._verdicts = None

    def target(self, type_url: str, name: str, node_id: str) -> Target:
        """What a node shall hold under a name."""
        declared = self._declared.get(type_url, {}).get(name)
        if declared is None or not self._quarantine.knows(type_url, name):
            return declared
        if not self.is_banned(type_url, declared, node_id):
            return declared
        good = self._good.get(type_url, {}).get(name)
        if good is None or self.is_banned(type_url, good, node_id):
            return WITHHELD
        return good

    def disputed(self, type_url: str) -> frozenset[str]:
        """The names whose declared version was rejected.

        The target of any other name is what is declared, for each node.
        """
        return self.verdicts.disputed(type_url)

    def target_versions(self, type_url: str, node_id: str) -> Mapping[str, str]:
        """The versions that a node shall hold, by name; shared where nothing is disputed."""
        versions = self._whole(type_url).versions
        if not (disputed := self.disputed(type_url)):
            return versions
        targets = {name: version_of(self.target(type_url, name, node_id)) for name in disputed}
        return {name: each for name, each in {**versions, **targets}.items() if each is not None}

    def whole(self, type_url: str) -> Whole | None:
        """All that is declared of a type, one object until a change.

        None where a name is disputed: then nodes may have different targets.
        """
        return None if self.disputed(type_url) else self._whole(type_url)

    def _whole(self, type_url: str) -> Whole:
        found = self._wholes.get(type_url)
        if found is None:
            found = self._wholes[type_url] = Whole(self._declared.get(type_url, {}))
        return found

    def is_whole(self, type_url: str, changes: Changes) -> bool:
        """Whether changes are what `whole` gives at present; O(1)."""
        return self._wholes.get(type_url) is changes and not self.disputed(type_url)

    def reject(self, type_url: str, resource: Resource, message: str, node_id: str) -> None:
        """Note that a client has rejected a resource that was alone in its response."""
        self._quarantine.add(type_url, resource, message, node_id)
        declared = self._declared.get(type_url, {}).get(resource.name)
        if declared is None or declared.version != resource.version:
            self._quarantine.moved_on(type_url, resource.name, resource.version)
        self._verdicts = None

    def is_banned(self, type_url: str, resource: Resource, node_id: str) -> bool:
        """Whether these bytes must not go to this node.

        A version that one client rejected and another acknowledged (a port in use on one host, an
        older Envoy) is kept only from those that rejected it.
        """
        rejection = self._quarantine.find(type_url, resource)
        if rejection is None:
            return False
        return rejection.is_by(node_id) or not self.is_good(type_url, resource)

    def banned(self, type_url: str, changes: Changes, node_id: str) -> Iterator[Resource]:
        """Of changes, the resources that must not go to a node. O(names ever rejected)."""
        for name in self._quarantine.names(type_url):
            resource = changes.get(name)
            if resource is not None and self.is_banned(type_url, resource, node_id):
                yield resource

    def was_rejected(self, type_url: str, name: str) -> bool:
        """Whether a version of this name was ever rejected, so that nodes may differ in it."""
        return self._quarantine.knows(type_url, name)

    def is_good(self, type_url: str, resource: Resource) -> bool:
        """Whether this version is the one last acknowledged by some client."""
        good = self._good.get(type_url, {}).get(resource.name)
        return good is not None and good.version == resource.version

    def good(self, type_url: str) -> Mapping[str, Resource]:
        """The last acknowledged version of each name; a live view."""
        return MappingProxyType(self._good.get(type_url, {}))

    def unconfirmed(self, type_url: str, sent: Changes) -> Sequence[Resource]:
        """The resources of an acknowledged response that are to be confirmed.

        Those of a Whole are told once, however many clients acknowledge it.
        """
        whole = self._wholes.get(type_url)
        if whole is sent:
            if whole.confirmed:
                return ()
            whole.confirmed = True
        return [resource for resource in sent.values() if resource is not None]

    def confirm(self, type_url: str, resource: Resource) -> None:
        """Note that a client has acknowledged a resource."""
        declared = self._declared.get(type_url, {}).get(resource.name)
        if declared is None:
            return
        named = self._good.setdefault(type_url, {})
        good = named.get(resource.name)
        if good is resource:
            return
        if good is None or good.version != declared.version or resource is declared:
            named[resource.name] = resource
            if self._quarantine.knows(type_url, resource.name):
                self._verdicts = None

    @property
    def verdicts(self) -> Verdicts:
        """What follows from all rejections; one object until something changes it."""
        if self._verdicts is None:
            rejections = tuple(self._quarantine.of(self._declared)) if self._quarantine else ()
            self._verdicts = Verdicts(rejections, self._good)
        return self._verdicts

    def mark_resent(self, name: str, *, again: bool) -> None:
        """Give a declared scoped route other bytes; without `again`, only if it has none yet."""
        if name not in self._declared.get(TypeUrl.SCOPED_ROUTE, {}):
            return  # clients may name what is not declared
        if self.encoder.mark_resent(name, again=again):
            self._wholes.pop(TypeUrl.SCOPED_ROUTE, None)


def version_of(target: Target) -> str | None:
    """The version of a resource; None where there is none."""
    return target.version if isinstance(target, Resource) else None
