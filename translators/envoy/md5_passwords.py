"""The script that compares passwords with the MD5 hashes of htpasswd, in Lua.

Envoy's own filter for basic authentication knows SHA-1 only. One script serves all routes: a source
of its own takes 178 KB for each route. A route that wants it names it, and gives it the hashes and
a realm.

The script lets nobody in. It notes the user of a right password in the request's metadata. The
filter for basic authentication refuses every request without such a note.

A check takes about 2 ms of a worker. So results are remembered, passwords have a bound, and so have
the checks in a second. Beyond it a request is answered with 503, and a client asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    DataSource,
    DynamicMetadataInput,
    DynamicMetadataPath,
    Lua,
    LuaPerRoute,
    MetadataMatcher,
    ValueMatcher,
    XdsMatcherPredicate,
    XdsMatcherSinglePredicate,
    XdsTypedExtensionConfig,
)
from translators.model.passwords import Entry
from xds.wire import pack, struct

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

PASSWORDS: Final = "fleetgate.passwords"
"""The name of the filter, and of its metadata."""

_SCRIPT: Final = "md5"
_USER: Final = "user"

CHECKS_IN_A_SECOND: Final = 25
"""The bound for each worker: 60 ms of each second, and 250 ms with the longest passwords."""

LONGEST: Final = 128
"""The longest password, in bytes. The time of a check grows with it."""

REMEMBERED: Final = 1000
"""The most results that a worker remembers, of right passwords and of wrong ones."""

_MD5: Final = r"""
local bit = require("bit")
local band, bor, bxor, bnot = bit.band, bit.bor, bit.bxor, bit.bnot
local rol, tobit, lshift, rshift = bit.rol, bit.tobit, bit.lshift, bit.rshift

local turns = {
  {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21},
}
local sines = {}
for i = 1, 64 do sines[i] = tobit(math.floor(math.abs(math.sin(i)) * 2^32)) end

local function bytes_of(word)
  return string.char(band(word, 255), band(rshift(word, 8), 255), band(rshift(word, 16), 255),
    band(rshift(word, 24), 255))
end

local function word_at(text, i)
  local a, b, c, d = string.byte(text, i, i + 3)
  return bor(a, lshift(b, 8), lshift(c, 16), lshift(d, 24))
end

local function mix(round, b, c, d)
  if round == 0 then return bor(band(b, c), band(bnot(b), d)) end
  if round == 1 then return bor(band(d, b), band(bnot(d), c)) end
  if round == 2 then return bxor(b, c, d) end
  return bxor(c, bor(b, bnot(d)))
end

local steps = {[0] = {1, 0}, {5, 1}, {3, 5}, {7, 0}}

local function md5(text)
  local size = #text * 8
  text = text .. "\128" .. string.rep("\0", (55 - #text) % 64) .. bytes_of(size) .. "\0\0\0\0"
  local a0, b0, c0, d0 = 0x67452301, tobit(0xefcdab89), tobit(0x98badcfe), 0x10325476
  local words = {}
  for block = 1, #text, 64 do
    for j = 0, 15 do words[j] = word_at(text, block + j * 4) end
    local a, b, c, d = a0, b0, c0, d0
    for i = 0, 63 do
      local round = rshift(i, 4)
      local step = steps[round]
      local f = mix(round, b, c, d) + a + sines[i + 1] + words[(step[1] * i + step[2]) % 16]
      a, d, c = d, c, b
      b = tobit(b + rol(tobit(f), turns[round + 1][i % 4 + 1]))
    end
    a0, b0, c0, d0 = tobit(a0 + a), tobit(b0 + b), tobit(c0 + c), tobit(d0 + d)
  end
  return bytes_of(a0) .. bytes_of(b0) .. bytes_of(c0) .. bytes_of(d0)
end
"""

_CRYPT: Final = r"""
local letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

local function spelt(value, count)
  local out = {}
  for i = 1, count do
    local k = band(value, 63) + 1
    out[i] = string.sub(letters, k, k)
    value = rshift(value, 6)
  end
  return table.concat(out)
end

-- The hash of a password, with the mark of its kind ("$apr1$" or "$1$") and its salt.
local function crypt(password, mark, salt)
  local sum = md5(password .. salt .. password)
  local first = {password, mark, salt}
  for left = #password, 1, -16 do first[#first + 1] = string.sub(sum, 1, math.min(16, left)) end
  local n = #password
  while n > 0 do
    first[#first + 1] = band(n, 1) == 1 and "\0" or string.sub(password, 1, 1)
    n = rshift(n, 1)
  end
  sum = md5(table.concat(first))
  for i = 0, 999 do
    local odd = i % 2 == 1
    local text = odd and password or sum
    if i % 3 ~= 0 then text = text .. salt end
    if i % 7 ~= 0 then text = text .. password end
    sum = md5(text .. (odd and sum or password))
  end
  local b = {string.byte(sum, 1, 16)}
  local function three(x, y, z)
    return spelt(bor(lshift(b[x + 1], 16), lshift(b[y + 1], 8), b[z + 1]), 4)
  end
  return three(0, 6, 12) .. three(1, 7, 13) .. three(2, 8, 14) .. three(3, 9, 15)
    .. three(4, 10, 5) .. spelt(b[12], 2)
end
"""

_CHECK: Final = rf"""
local memory = {{[true] = {{}}, [false] = {{}}}}
local sizes = {{[true] = 0, [false] = 0}}
local second, checks = 0, 0

local function remember(key, right)
  if sizes[right] >= {REMEMBERED} then memory[right], sizes[right] = {{}}, 0 end
  memory[right][key] = true
  sizes[right] = sizes[right] + 1
end

-- Whether a password has the hash; nil if there were too many checks in this second.
local function is_right(password, hashed, now)
  local key = md5(hashed .. "\0" .. password)
  if memory[true][key] then return true end
  if memory[false][key] then return false end
  if now ~= second then second, checks = now, 0 end
  if checks >= {CHECKS_IN_A_SECOND} then return nil end
  checks = checks + 1
  local mark, salt, sum = string.match(hashed, "^(%$%w+%$)([^$]+)%$(.+)$")
  local right = crypt(password, mark, salt) == sum
  remember(key, right)
  return right
end

-- The hash of a user in lines of a user, a colon and a hash.
local function hash_of(user, lines)
  local _, last = string.find(lines, "\10" .. user .. ":", 1, true)
  return last and string.match(lines, "^[^\10]+", last + 1)
end

local function credentials(request)
  local header = request:headers():get("authorization") or ""
  local encoded = string.match(header, "^[Bb][Aa][Ss][Ii][Cc] +([%w+/]+=*)$")
  if encoded == nil or #encoded > 1024 then return end
  local user, password = string.match(request:base64Decode(encoded) or "", "^([^:\10]+):(.*)$")
  if user and #password <= {LONGEST} then return user, password end
end

function envoy_on_request(request)
  local user, password = credentials(request)
  if user == nil then return end
  local hashed = hash_of(user, request:filterContext():get("users") or "")
  if hashed == nil then return end
  local right = is_right(password, hashed, math.floor(request:timestamp() / 1000))
  if right == nil then
    request:respond({{[":status"] = "503", ["retry-after"] = "1"}}, "too many sign-ins at once\10")
  elseif right then
    request:streamInfo():dynamicMetadata():set("{PASSWORDS}", "{_USER}", user)
  end
end

-- Envoy names the URL of the request as the realm, so a browser would ask for each path again.
function envoy_on_response(response)
  local headers = response:headers()
  if headers:get(":status") ~= "401" then return end
  if string.match(headers:get("www-authenticate") or "", '^Basic realm="https?://') then
    headers:replace("www-authenticate", response:filterContext():get("challenge"))
  end
end
"""


def md5_passwords() -> lua.Lua:
    """Configure the filter, which does nothing on a route that does not name its script."""
    source = DataSource(inline_string=_MD5 + _CRYPT + _CHECK)
    return Lua(source_codes={_SCRIPT: source})


def compare(entries: Sequence[Entry], realm: str) -> lua.LuaPerRoute:
    """Configure the filter for a route: its users, and the realm of its 401."""
    lines = "".join(f"\n{user}:{hashed}" for user, hashed in entries)
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    context = {"users": lines, "challenge": f'Basic realm="{quoted}"'}
    return LuaPerRoute(name=_SCRIPT, filter_context=struct(context))


def signed_in() -> xds_matcher.MatcherMatcherListPredicate:
    """Match a request whose password the script has found to be right."""
    user = DynamicMetadataInput(filter=PASSWORDS, path=[DynamicMetadataPath(key=_USER)])
    is_there = MetadataMatcher(value=ValueMatcher(present_match=True))
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(
            input=XdsTypedExtensionConfig(name="user", typed_config=pack(user)),
            custom_match=XdsTypedExtensionConfig(name="is-there", typed_config=pack(is_there)),
        )
    )
