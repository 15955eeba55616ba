"""The annotation `ssl-passthrough`: a host's TLS connections go to its backend as they come."""

from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Reader, shared
from translators.dialects.annotations.values import boolean
from translators.model.policy import Declared
from translators.policies.passthrough import Passthrough

PASSTHROUGH: Final = shared(
    "ssl-passthrough",
    "`true`: TLS connections to the host go to the backend of its path `/` as they come, unless "
    "this path has an access rule; all other annotations hold for its plain HTTP only",
    default="`false`",
    differs="not where the path `/` of the host has an access rule",
    example="true",
)


def _read(reader: Reader, wanted: Wanted) -> None:
    found = reader.find(PASSTHROUGH, boolean)
    if found and found.value:
        wanted.policies.append(Declared(Passthrough(), found.spelling, found.text))


FEATURE: Final = Feature("TLS passthrough", (PASSTHROUGH,), _read)
