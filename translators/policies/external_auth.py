"""External authorization: a service is asked whether a request is allowed.

The service gets the headers of the request, and the request's URL and method in headers of their
own (`x-original-url`, `x-original-method`), but not the body. If it cannot be asked, requests are
answered with 500.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from translators.envoy.access import Place
from translators.envoy.header_edits import put, remove
from translators.envoy.messages import (
    ApiVersion,
    AuthorizationRequest,
    AuthorizationResponse,
    ExtAuthz,
    ExtAuthzHttpService,
    HeaderMutation,
    HeaderMutationMutations,
    HeaderValue,
    HttpStatus,
    HttpUri,
    ListStringMatcher,
    RegexMatcher,
    StatusCode,
    StringMatcher,
)
from translators.envoy.names import cluster_name, outside_name
from translators.envoy.parts import RouteParts
from translators.envoy.questions import QUESTION
from translators.envoy.retries import question_retries
from translators.envoy.sign_in import SIGN_IN, send_to
from translators.model.backends import Outside, Target
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.type.matcher import v3 as matcher

TIMEOUT: Final = timedelta(seconds=10)
"""The time that a service has for an answer, all retries included."""

PATH: Final = "%REQ(:PATH)%"
"""The path of a request with its query, as Envoy formats it."""

_KEPT: Final = "x-fg-was-"
"""The prefix under which headers of a request are kept that the service gives in its answer."""

_UNFIT: Final = (
    *("connection", "content-length", "expect", "http2-settings", "keep-alive", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade", "x-fg-scope", QUESTION),
)
"""Headers of a request that its question must not have: those of the connection and the body."""


@dataclass(frozen=True, slots=True)
class ExternalAuth(EnvoyPolicy):
    """The service, what it is asked for, and what becomes of its answer.

    `service` is None if the service is at the host of the request, which is not known yet. `names`
    are headers of requests that backends get from the service alone, whatever the client sent.
    `sign_in` is the page to which clients without access are sent; "" leaves them with the answer.
    `cookies` says that a refusal sets cookies too. `back` is the value of the header
    `x-auth-request-redirect`, as Envoy formats it.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    service: Target | Outside | None
    authority: str
    path: str
    method: str = "GET"
    names: tuple[str, ...] = ()
    sign_in: str = ""
    cookies: bool = False
    back: str = PATH

    @property
    def asks(self) -> Target | Outside | None:
        """The service that it asks."""
        return self.service

    def route(self, parts: RouteParts) -> None:
        """Ask the service before the route is used."""
        if self.service is None:
            raise ValueError("the host of the service is not known")
        if self.names:
            parts.access.add(Place.NAMES, "envoy.filters.http.header_mutation", self._kept())
        kept = [_KEPT + name for name in self.names]
        parts.route.add("request_headers_to_remove", QUESTION, *kept)
        if self.sign_in:
            parts.configure(SIGN_IN, send_to(self.sign_in))
        filters = ExtAuthz(
            transport_api_version=ApiVersion.V3,
            status_on_error=HttpStatus(code=StatusCode.InternalServerError),
            allowed_headers=_everything(),
            disallowed_headers=_exactly((*_UNFIT, *kept)),
            http_service=ExtAuthzHttpService(
                server_uri=HttpUri(
                    uri=f"http://{self.authority}", cluster=self._cluster(), timeout=TIMEOUT
                ),
                path_override=self.path,
                authorization_request=AuthorizationRequest(headers_to_add=[*self._told()]),
                authorization_response=self._answer(),
                retry_policy=question_retries(self.method, TIMEOUT),
            ),
        )
        parts.access.add(Place.SERVICE, "envoy.filters.http.ext_authz", filters)

    def _cluster(self) -> str:
        if isinstance(self.service, Outside):
            return outside_name(self.service)
        return cluster_name(self.service) if self.service else ""

    def _kept(self) -> Any:  # noqa: ANN401 (a message)
        """Take the headers out of the request, and keep them for the question."""
        rules = []
        for name in self.names:
            rules += [remove(_KEPT + name), put(_KEPT + name, f"%REQ({name})%"), remove(name)]
        return HeaderMutation(mutations=HeaderMutationMutations(request_mutations=rules))

    def _told(self) -> Iterable[core.HeaderValue]:
        """Yield the headers that the question has beside those of the request."""
        yield HeaderValue(key=QUESTION, value=f"{self.method} {self.authority}")
        url = "%REQ(X-FORWARDED-PROTO)%://%REQ(:AUTHORITY)%%REQ(:PATH)%"
        yield HeaderValue(key="x-original-url", value=url)
        for kind in ("original", "forwarded"):  # a client could send either
            yield HeaderValue(key=f"x-{kind}-uri", value=PATH)
            yield HeaderValue(key=f"x-{kind}-method", value="%REQ(:METHOD)%")
        yield HeaderValue(key="x-auth-request-redirect", value=self.back)
        for name in self.names:
            yield HeaderValue(key=name, value=f"%REQ({_KEPT}{name})%")

    def _answer(self) -> Any:  # noqa: ANN401 (a message)
        refused = ["content-type"]
        refused += ["set-cookie"] if self.cookies or self.sign_in else []
        refused += [QUESTION] if self.sign_in else []
        return AuthorizationResponse(
            allowed_upstream_headers=_exactly(self.names) if self.names else None,
            allowed_client_headers=_exactly(refused),
            allowed_client_headers_on_success=_exactly(("set-cookie",)),
        )


def _exactly(names: Iterable[str]) -> matcher.ListStringMatcher:
    return ListStringMatcher(
        patterns=[StringMatcher(exact=name, ignore_case=True) for name in names]
    )


@cache
def _everything() -> matcher.ListStringMatcher:
    return ListStringMatcher(patterns=[StringMatcher(safe_regex=RegexMatcher(regex=".*"))])
