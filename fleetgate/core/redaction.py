"""Hashes of passwords are left out of the resources that people are shown."""

from collections.abc import Mapping
from typing import Final

from xds.readable import Json

REDACTED: Final = "[redacted]"
"""The text that Envoy's admin shows in place of what is sensitive."""

_HIDDEN: Final[Mapping[str, str]] = {
    "type.googleapis.com/envoy.extensions.filters.http.basic_auth.v3.BasicAuth": "users",
    "type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute": "filter_context",
}
"""Fields that may have hashes of passwords, by the type of their message."""


def redacted(shown: dict[str, Json]) -> dict[str, Json]:
    """Return a message without hashes of passwords."""
    hidden = _HIDDEN.get(str(shown.get("@type")))
    return {key: REDACTED if key == hidden else _value(value) for key, value in shown.items()}


def _value(value: Json) -> Json:
    if isinstance(value, dict):
        return redacted(value)
    return [_value(item) for item in value] if isinstance(value, list) else value
