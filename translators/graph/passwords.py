"""The tables of passwords: Secrets of the hub that Ingresses name for basic authentication."""

from collections.abc import Iterator

from fleet.problem import Problem
from fleet.ref import Ref
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.hub import HubTables
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import Inputs
from translators.merge.passwords import lacks_of, read_passwords
from translators.model.ingresses import IngressRules
from translators.model.passwords import NO_PASSWORDS, PasswordFile, Passwords
from translators.policies.policy import needs_of


class PasswordTables:
    """A row for each Secret that an Ingress of a gateway names."""

    def __init__(
        self, graph: Graph, inputs: Inputs, hub: HubTables, ingresses: IngressTables
    ) -> None:
        self._inputs = inputs
        self._hub = hub
        users = Index(graph, "users of passwords", ingresses.rules, _named)
        self._read = Derived(graph, "passwords", users, self._passwords)

    def of(self, view: View, file: PasswordFile) -> Passwords:
        """Return the passwords of a Secret; there are none if no Ingress names it."""
        return view.get(self._read, file) or NO_PASSWORDS

    def lacks(self, view: View, ref: Ref, rules: IngressRules) -> Iterator[Problem]:
        """Report what the Secrets lack that an Ingress names. A canary's have no effect."""
        for declared in () if rules.canaries else rules.policies:
            for file in needs_of([declared.policy]):
                if not self._hub.awaits(view, file.secret):
                    yield from lacks_of(self.of(view, file), ref, declared.key, declared.value)

    def _passwords(self, view: View, file: PasswordFile) -> Passwords:
        return read_passwords(view.get(self._inputs.secrets, file.secret), file.form)


def _named(_: Ref, rules: IngressRules) -> Iterator[PasswordFile]:
    return needs_of(declared.policy for declared in rules.policies) if rules.policies else iter(())
