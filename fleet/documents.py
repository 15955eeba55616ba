"""Text into manifests: YAML and JSON as Kubernetes users write them."""

import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import yaml

Document: TypeAlias = Any  # whatever a YAML document holds; `fleet.parse` sorts it out

MAX_CHARACTERS: Final = 16 * 1024 * 1024
"""The largest manifest file; an API server takes objects of 1.5 MiB."""

MAX_ALIASES: Final = 1000
"""References to anchors in one file: a few lines of nested ones could stand for gigabytes."""


class UnreadableText(ValueError):
    """Text that is no YAML; the message says where and why."""


class _Loader(yaml.CSafeLoader):
    """Times stay text, and only true and false are booleans, as in YAML 1.2."""


def _restrict(loader: type[_Loader]) -> None:
    replaced = {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"}
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in replaced]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }
    booleans = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
    loader.add_implicit_resolver("tag:yaml.org,2002:bool", booleans, list("tTfF"))


_restrict(_Loader)


def read_documents(text: str) -> list[Document]:
    """The documents of a file but for empty ones. Raises UnreadableText."""
    if len(text) > MAX_CHARACTERS:
        raise UnreadableText(f"it is larger than {MAX_CHARACTERS // 1024 // 1024} MiB")
    try:
        if text.count("*") > MAX_ALIASES and _aliases(text) > MAX_ALIASES:
            raise UnreadableText(f"it has more than {MAX_ALIASES} YAML aliases")
        loaded = yaml.load_all(text, _Loader)
        return [document for document in loaded if document is not None]
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UnreadableText(f"{where}{e.problem or e.context}") from e
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as e:
        raise UnreadableText(str(e).splitlines()[0] if str(e) else type(e).__name__) from e


def _aliases(text: str) -> int:
    return sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader))


def objects_in(documents: list[Document]) -> Iterator[Document]:
    """The manifests of the documents; a `List` stands for its items."""
    for document in documents:
        is_list = isinstance(document, dict) and str(document.get("kind", "")).endswith("List")
        if is_list and isinstance(document.get("items"), list):
            yield from objects_in(document["items"])
        else:
            yield document
