"""Annotations that redirect requests in clear text to https.

`translators.merge.https_redirect` makes the redirects where listeners share their route tables, and
says which requests are in clear text.
"""

from dataclasses import replace

from translators.dialects.annotations.feature import Feature, rule_feature
from translators.dialects.annotations.reader import Key, Reader
from translators.dialects.annotations.values import boolean
from translators.model.rules import Rule


def https_redirect(*keys: Key) -> Feature:
    """Make the feature of these switches, each of which is enough."""

    def parse(reader: Reader) -> str | None:
        switches = [reader.find(key, boolean) for key in keys]
        return next((switch.spelling for switch in switches if switch and switch.value), None)

    return rule_feature("Redirect to https", keys, parse, _apply)


def _apply(rule: Rule, annotation: str) -> Rule:
    return replace(rule, https_only=annotation)
