"""What a feature is: the keys that it owns, how it reads them, and how it changes a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from translators.dialects.annotations.reader import Key, Reader
from translators.model.rules import Rule

T = TypeVar("T")

Change: TypeAlias = Callable[[Rule], Rule]


@dataclass(frozen=True, slots=True)
class Feature(Generic[T]):
    """One feature of an Ingress. `parse` returns None where the Ingress does not ask for it."""

    name: str
    keys: tuple[Key, ...]
    parse: Callable[[Reader], T | None]
    apply: Callable[[Rule, T], Rule]

    def change(self, reader: Reader) -> Change | None:
        """What the feature does to every rule of the Ingress that the annotations stand on."""
        options = self.parse(reader)
        if options is None:
            return None
        return lambda rule: self.apply(rule, options)
