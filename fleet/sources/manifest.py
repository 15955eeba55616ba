"""Reads the text of one manifest file into the objects that it declares.

A file that cannot be read, is empty or does not parse keeps the objects that it held before: a user
may be in the middle of writing it. A document without a valid kind or name has the same effect,
since it may be any of these objects.
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final

from fleet.documents import Document, UnreadableText, read_json, read_yaml
from fleet.events import Refused, Upserted
from fleet.kinds import Kinds
from fleet.parse import FILE, Unused, objects_in, parse
from fleet.problem import Problem
from fleet.prune import printable
from fleet.ref import Ref
from fleet.sources.files import Stamp

ENDPOINTS: Final = "Endpoints"

_KEPT: Final = "what the file held before stays in force"


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The objects that a file declares; `problems` are those of the file itself.

    `stamp` and `digest` show whether the file has changed since it was read. A Secret in `declared`
    is None if its bytes are not kept. `unused` counts objects of kinds that are not read.
    `endpoints` are objects of the kind Endpoints, which EndpointSlices have replaced.
    """

    ref: Ref
    stamp: Stamp | None = None
    digest: bytes = b""
    declared: Mapping[Ref, Upserted | Refused | None] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unused: Mapping[str, int] = field(default_factory=Counter)
    endpoints: frozenset[Ref] = frozenset()

    @property
    def _effect(self) -> str:
        """The effect of a problem of the file: none if the file held no objects before."""
        return _KEPT if self.declared else ""

    def unreadable(self, reason: str, value: str, expected: str, key: str = "") -> "ManifestFile":
        """The file with the objects that it held before, and with a problem."""
        problem = Problem(self.ref, reason, key, value, expected, self._effect)
        return replace(self, stamp=None, digest=b"", problems=(problem,))

    def without_bytes_of(self, secrets: Set[Ref]) -> "ManifestFile":
        """The file with only the names of these Secrets."""
        return replace(self, declared={**self.declared, **dict.fromkeys(secrets)})

    def read(self, data: bytes, stamp: Stamp | None, kinds: Kinds) -> "ManifestFile":
        """The file with the objects that its new bytes declare. O(bytes)."""
        return replace(self._read(data, kinds), stamp=stamp, digest=digest_of(data))

    def _read(self, data: bytes, kinds: Kinds) -> "ManifestFile":
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as e:
            line = data.count(b"\n", 0, e.start) + 1
            value = f"the byte 0x{data[e.start]:02x}"
            return self.unreadable("UnreadableFile", value, "UTF-8", f"line {line}")
        if not text.strip(" \t\r\n-."):
            if not self.declared:
                return replace(self, problems=(), unused=Counter(), endpoints=frozenset())
            expected = "manifests; remove the file to remove its objects"
            return self.unreadable("EmptyFile", "an empty file", expected)
        is_json = self.ref.name.endswith(".json")
        try:
            documents = read_json(text) if is_json else read_yaml(text)
        except UnreadableText as e:
            key = f"line {e.line}, column {e.column}" if e.line else ""
            why = printable(e.why)
            return self.unreadable("UnreadableFile", why, "JSON" if is_json else "YAML", key)
        return self._declare(documents, kinds)

    def _declare(self, documents: list[Document], kinds: Kinds) -> "ManifestFile":
        declared: dict[Ref, Upserted | Refused | None] = {}
        copies: Counter[Ref] = Counter()
        unused: Counter[str] = Counter()
        unclear: list[Problem] = []
        endpoints: set[Ref] = set()
        for document in documents:
            for manifest in objects_in(document.value, kinds):
                found = parse(manifest, self.ref.origin, self.ref.name, kinds)
                if isinstance(found, Unused):
                    unused[found.kind] += 1
                    endpoints |= {found.ref} if found.ref and found.kind == ENDPOINTS else set()
                elif found.ref.kind == FILE:
                    unclear += (
                        replace(_in_document(problem, document), effect=self._effect)
                        for problem in found.problems
                    )
                elif found.ref in declared:
                    copies[found.ref] += 1
                else:
                    twice = tuple(_twice(found.ref, key) for key in document.repeated)
                    declared[found.ref] = replace(found, problems=(*found.problems, *twice))
        for ref, count in copies.items():
            if (first := declared[ref]) is not None:
                problem = duplicate(ref, self.ref.name, [self.ref.name] * count)
                declared[ref] = replace(first, problems=(*first.problems, problem))
        if unclear:  # an unclear document may be any of the objects that the file held before
            declared = {**self.declared, **declared}
        return replace(
            self,
            declared=declared,
            problems=tuple(unclear),
            unused=unused,
            endpoints=frozenset(endpoints),
        )


def digest_of(data: bytes) -> bytes:
    """A digest that is equal for equal contents."""
    return blake2b(data, digest_size=16).digest()


def duplicate(ref: Ref, counts: str, copies: list[str]) -> Problem:
    """The problem of an object that has several declarations.

    `counts` is the file whose declaration counts, `copies` are the files of the other declarations.
    """
    others = sorted(set(copies))
    if others == [counts]:
        value, effect = f"declared {len(copies) + 1} times in {counts}", "the first one counts"
    else:
        value = f"declared in {' and '.join([counts, *others])}"
        effect = f"the one in {counts} counts, the next by path takes over when it goes"
    return Problem(ref, "DuplicateObject", "", value, "one declaration", effect)


def _in_document(problem: Problem, document: Document) -> Problem:
    key = f"{problem.key} (document at line {document.line})" if problem.key else ""
    return replace(problem, key=key or f"document at line {document.line}")


def _twice(ref: Ref, key: str) -> Problem:
    return Problem(ref, "DuplicateKey", printable(key), "", "the key once", "the last one counts")
