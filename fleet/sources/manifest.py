"""One manifest file of a fleet: its text into what it declares.

A file that cannot be read, is empty or does not parse says nothing about the objects that it held:
somebody may be writing it. The same goes for a document in it that does not say which object it is.
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
    """What a file declares, by object; `problems` are the file's own.

    `stamp` and `digest` tell whether it has changed since. A Secret whose bytes are not kept is
    None. `endpoints` are of the kind that EndpointSlices have replaced.
    """

    ref: Ref
    stamp: Stamp | None = None
    digest: bytes = b""
    declared: Mapping[Ref, Upserted | Refused | None] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unused: Mapping[str, int] = field(default_factory=Counter)
    endpoints: frozenset[Ref] = frozenset()

    @property
    def _kept(self) -> str:
        """What follows where its news cannot be read: nothing to tell where it held nothing."""
        return _KEPT if self.declared else ""

    def unreadable(self, reason: str, value: str, expected: str, key: str = "") -> "ManifestFile":
        """The file with what it held and a problem instead of news."""
        problem = Problem(self.ref, reason, key, value, expected, self._kept)
        return replace(self, stamp=None, digest=b"", problems=(problem,))

    def without_bytes_of(self, secrets: Set[Ref]) -> "ManifestFile":
        """The file with no more than the names of these Secrets."""
        return replace(self, declared={**self.declared, **dict.fromkeys(secrets)})

    def read(self, data: bytes, stamp: Stamp | None, kinds: Kinds) -> "ManifestFile":
        """The file with what its new bytes declare. O(bytes)."""
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
                        replace(_in_document(problem, document), effect=self._kept)
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
        if unclear:  # it may be any of the objects that the file held
            declared = {**self.declared, **declared}
        return replace(
            self,
            declared=declared,
            problems=tuple(unclear),
            unused=unused,
            endpoints=frozenset(endpoints),
        )


def digest_of(data: bytes) -> bytes:
    """Tell equal contents by equal digests."""
    return blake2b(data, digest_size=16).digest()


def duplicate(ref: Ref, counts: str, copies: list[str]) -> Problem:
    """An object that is declared again, in other files or in the one that counts."""
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
