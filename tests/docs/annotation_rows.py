"""What the documentation says about each annotation of the MSE dialect, found by reading it.

A feature is read with the examples of all of its annotations. An annotation's scope is that of the
policies that change when its example is absent. What becomes of a value that cannot be used is
the effect in the problem that such a value has.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from fleet.ref import HUB, Ref
from tests.support.annotations import example, examples
from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Key, Reader
from translators.dialects.mse.features import VOCABULARY
from translators.model.policy import Scope

ANY: Final = Ref(HUB, "Ingress", "default", "any")

UNUSABLE: Final = ("\x01", "-1", "a b", "(", "\x01,\x01", "x" * 5000)
"""Values of which each annotation finds at least one unusable, if it finds any unusable."""

_INSTEAD: Final = "counts instead"
"""A part of the effect if another annotation of the same meaning stands beside."""

_ITEMS_LEFT_OUT: Final = "the entries that cannot be used are left out"

OF_RULES: Final = "rules"

_SCOPES: Final = {Scope.ROUTE: OF_RULES, Scope.HOST: "host", Scope.SERVICE: "Service"}


def scope(feature: Feature, key: Key) -> str:
    """Return what an annotation holds for: the rules of its Ingress, their hosts, or Services."""
    everything = examples(feature)
    spelling, _ = example(key)
    without = {k: v for k, v in everything.items() if k != spelling}
    before, after = _read(feature, without), _read(feature, everything)
    changed = {d.policy for d in after.policies} - {d.policy for d in before.policies}
    scopes = {d.policy.scope for d in after.policies if d.policy in changed}
    if len(after.aliases) > len(before.aliases):
        scopes.add(Scope.HOST)
    return ", ".join(text for each, text in _SCOPES.items() if each in scopes) or OF_RULES


def invalid(feature: Feature, key: Key) -> str:
    """Return the effect of a value that cannot be used; "" if every value can be used."""
    found = next((each for each in _effects(feature, key) if _INSTEAD not in each), "")
    return _ITEMS_LEFT_OUT if found.startswith("left out: ") else found


def _effects(feature: Feature, key: Key) -> Iterator[str]:
    spelling, _ = example(key)
    for companions in _companions(feature):
        for text in UNUSABLE:
            reader = _reader({**companions, spelling: text})
            feature.read(reader, Wanted())
            yield from (p.effect for p in reader.problems if p.key == spelling)


def _companions(feature: Feature) -> Iterator[Mapping[str, str]]:
    """Yield the examples of a feature, then fewer: some annotations take precedence of others."""
    everything = examples(feature)
    yield everything
    yield {}
    for left_out in everything:
        yield {key: value for key, value in everything.items() if key != left_out}


def _read(feature: Feature, annotations: Mapping[str, str]) -> Wanted:
    wanted = Wanted()
    feature.read(_reader(annotations), wanted)
    return wanted


def _reader(annotations: Mapping[str, str]) -> Reader:
    return Reader(ANY, annotations, VOCABULARY.prefixes)


def spelt(key: Key) -> Iterator[str]:
    """Yield the short names of an annotation's prefixes, such as nginx."""
    return (prefix.partition(".")[0] for prefix in key.prefixes if prefix in VOCABULARY.prefixes)
