"""Describes in plain words what a field of a manifest should hold, by its model's schema."""

from functools import cache
from typing import Any, Final, TypeAlias

from fleet.models import Model

Location: TypeAlias = tuple[str | int, ...]
"""The steps to a field: names as manifests have them, and positions in lists."""

Schema: TypeAlias = dict[str, Any]  # JSON Schema as pydantic gives it


def expected_at(model: type[Model], location: Location) -> str:
    """Complete the sentence "expected ..." for a field, such as "an integer from 1 to 65535"."""
    root = _schema_of(model)
    node = root
    for step in location:
        node = _step(_resolve(root, node), step)
    return _describe(_resolve(root, node))


@cache
def _schema_of(model: type[Model]) -> Schema:
    return model.model_json_schema()


def _resolve(root: Schema, node: Schema) -> Schema:
    """Follow references, and replace an optional field by the schema of its value."""
    while True:
        if "$ref" in node:
            node = root["$defs"][node["$ref"].rpartition("/")[2]]
        elif "anyOf" in node:
            node = next(option for option in node["anyOf"] if option.get("type") != "null")
        else:
            return node


def _step(node: Schema, step: str | int) -> Schema:
    below: Schema | None
    if isinstance(step, int):
        below = node.get("items")
    else:
        fields = node.get("properties", {})
        # A field whose name may begin with a capital or not has the capital in the schema.
        below = fields.get(step) or fields.get(f"{step[:1].upper()}{step[1:]}")
        below = below or node.get("additionalProperties")
    return below if isinstance(below, dict) else {}


def _describe(node: Schema) -> str:
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if node.get("format") == "date-time":
        return "a time such as 2026-01-31T12:00:00Z"
    if "minimum" in node and "maximum" in node:
        return f"an integer from {node['minimum']} to {node['maximum']}"
    if "minimum" in node:
        return f"an integer from {node['minimum']}"
    return _TYPES.get(node.get("type", ""), "something else")


_TYPES: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "object": "a mapping of fields",
    "string": "a string",
}
