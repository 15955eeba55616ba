"""The annotation `app-root`: a request for exactly / is redirected to the application's path."""

import re
from typing import Final

from translators.dialects.annotations.feature import Extra, Feature, Wanted
from translators.dialects.annotations.reader import Reader, Unusable, shared
from translators.dialects.annotations.values import NGINX_VARIABLE
from translators.dialects.paths import as_requested
from translators.model.actions import Redirect
from translators.model.paths import Path, PathKind

APP_ROOT: Final = shared(
    "app-root",
    "a path: requests for exactly `/` of the Ingress's hosts are sent there (302)",
    example="/app",
)

_PATH: Final = re.compile(r"/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]{0,4095}")

_BEHIND: Final = re.compile(r"[?#].*")

_ROOT: Final = Path(PathKind.EXACT, "/")


def redirect(text: str) -> Redirect:
    """Read the path, which may have a query. `//` at its begin would be another host."""
    if NGINX_VARIABLE.search(text):
        raise Unusable("a path without variables of NGINX, such as /app")
    if not _PATH.fullmatch(text) or text.startswith("//"):
        raise Unusable("a path such as /app, in ASCII as requests spell it")
    try:
        path = as_requested(_BEHIND.sub("", text))
    except Unusable as e:
        raise Unusable(e.expected) from None
    if path == _ROOT.value:
        raise Unusable("another path than /, since the redirect would lead to itself")
    return Redirect(status=302, path=text, keeps_query="#" not in text)


def read(reader: Reader, wanted: Wanted) -> None:
    """Add a rule for / to each host."""
    found = reader.find(APP_ROOT, redirect)
    if found is not None:
        wanted.extras.append(Extra(found.spelling, _ROOT, found.value))


FEATURE: Final = Feature("Root of the application", (APP_ROOT,), read)
