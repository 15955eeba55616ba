"""Answers of backends: URLs, cookies and headers are changed as a route asks for it.

Routes share the Lua sources, since a source of its own costs a route 178 KB. A route names it,
and gives its texts in the filter's context. The filter has no default source, so it does nothing to
other routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from translators.envoy.messages import DataSource, Lua, LuaPerRoute
from xds.wire import struct

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua

_SOURCE: Final = "answer"
_HEADERS: Final = "headers"

_SPECIAL: Final = re.compile(r"[^0-9A-Za-z]")

_CHANGE: Final = """
local function swapped(text, from, to)
  if string.sub(text, 1, #from) ~= from then return text end
  return to .. string.sub(text, #from + 1)
end

local function trimmed(text)
  -- The pattern "^(.-)%s*$" would take seconds for a long text of blanks.
  return string.reverse(string.match(string.reverse(text), "^%s*(.*)$"))
end

local function bare(domain)
  return string.lower((string.gsub(domain, "^%.", "")))
end

local function attribute(part, wanted)
  local head, key, rest = string.match(part, "^(%s*(%a+)%s*=%s*)(.*)$")
  if not head then return part end
  local name, value = string.lower(key), trimmed(rest)
  if name == "path" and wanted:get("path") then
    return head .. swapped(value, wanted:get("path"), wanted:get("new_path"))
  end
  if name == "domain" and wanted:get("domain") and bare(value) == bare(wanted:get("domain")) then
    return head .. wanted:get("new_domain")
  end
  return part
end

local function changed(cookie, wanted)
  local first, rest = string.match(cookie, "^([^;]*)(.*)$")
  local parts = {first}
  for part in string.gmatch(rest, ";([^;]*)") do
    table.insert(parts, attribute(part, wanted))
  end
  return table.concat(parts, ";")
end

function envoy_on_response(response)
  local wanted = response:filterContext()
  local headers = response:headers()
  local from, to = wanted:get("url"), wanted:get("new_url")
  local location = from and headers:get("location")
  local refresh = from and headers:get("refresh")
  local head, url = string.match(refresh or "", "^(.-[uU][rR][lL]=)(.*)$")
  if location and swapped(location, from, to) ~= location then
    headers:replace("location", swapped(location, from, to))
  end
  if head and swapped(url, from, to) ~= url then
    headers:replace("refresh", head .. swapped(url, from, to))
  end
  local count = headers:getNumValues("set-cookie")
  if count == 0 or not (wanted:get("path") or wanted:get("domain")) then return end
  local cookies = {}
  for number = 0, count - 1 do
    table.insert(cookies, changed(headers:getAtIndex("set-cookie", number), wanted))
  end
  headers:remove("set-cookie")
  for _, cookie in ipairs(cookies) do headers:add("set-cookie", cookie) end
end
"""


_EDIT: Final = """
local function alike(value, wanted)
  -- All patterns are of fixed length. To match "^.*b$" takes time by the square of the length.
  if wanted.whole then return string.match(value, wanted.whole) end
  local rest = #value - wanted.behind
  return rest >= wanted.before
    and string.match(value, wanted.head) and string.match(value, wanted.tail, rest + 1)
end

local function met(headers, condition)
  local value = headers:get(condition.name)
  if not value or #value > 512 then return false end
  for _, wanted in ipairs(condition.values) do
    if alike(value, wanted) then return true end
  end
  return false
end

function envoy_on_response(response)
  local wanted, headers = response:filterContext(), response:headers()
  for _, condition in ipairs(wanted:get("conditions")) do
    if not met(headers, condition) then return end
  end
  for _, name in ipairs(wanted:get("remove")) do headers:remove(name) end
  for _, edit in ipairs(wanted:get("set")) do headers:replace(edit.name, edit.value) end
  for _, edit in ipairs(wanted:get("absent")) do
    if not headers:get(edit.name) then headers:add(edit.name, edit.value) end
  end
end
"""


def change_answers() -> lua.Lua:
    """Configure the filter, which waits for routes that name its source."""
    sources = {_SOURCE: _CHANGE, _HEADERS: _EDIT}
    return Lua(
        source_codes={name: DataSource(inline_string=text) for name, text in sources.items()}
    )


def header_changes(
    conditions: Iterable[tuple[str, Sequence[str]]],
    remove: Sequence[str],
    update: Iterable[tuple[str, str]],
    absent: Iterable[tuple[str, str]],
) -> lua.LuaPerRoute:
    """Configure the filter for a route to change headers of answers that meet all conditions.

    A condition names a header, and texts of which its value equals one. In a text, `?` is any byte,
    and `*` is any run of bytes; there is one `*` at most. A value of more than 512 bytes meets no
    condition.
    """
    context = {
        "conditions": [
            {"name": name, "values": [*map(_wanted, texts)]} for name, texts in conditions
        ],
        "remove": [*remove],
        "set": [{"name": name, "value": value} for name, value in update],
        "absent": [{"name": name, "value": value} for name, value in absent],
    }
    return LuaPerRoute(name=_HEADERS, filter_context=struct(context))


def _wanted(text: str) -> dict[str, str | int]:
    """Return the patterns of Lua for a text: for the whole, or for what is around its `*`."""
    head, run, tail = text.partition("*")
    if not run:
        return {"whole": f"^{_pattern(text)}$"}
    return {
        "head": f"^{_pattern(head)}",
        "tail": f"^{_pattern(tail)}$",
        "before": len(head.encode()),
        "behind": len(tail.encode()),
    }


def _pattern(text: str) -> str:
    return _SPECIAL.sub(lambda found: "." if found[0] == "?" else f"%{found[0]}", text)


def answer_changes(texts: Mapping[str, str]) -> lua.LuaPerRoute:
    """Configure the filter for a route.

    `texts` has `url`, `domain` and `path`, or some of them, and the text for each to put in its
    place under the same key with `new_` before it.
    """
    return LuaPerRoute(name=_SOURCE, filter_context=struct(texts))
