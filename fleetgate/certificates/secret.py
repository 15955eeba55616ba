"""The store of the authorities: a Secret on the hub, which all replicas share."""

import base64
import binascii
import http
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from fleet.kubernetes.connection import ApiServer, Json, Reply, Unreached
from fleetgate.certificates.pair import BadPem
from fleetgate.certificates.roots import Roots
from fleetgate.errors import OperatorError

NAME: Final = "fleetgate-xds-ca"

_BUNDLE: Final = "ca.crt"
_KEYS: Final = "ca.key"
_MANAGED: Final = {"app.kubernetes.io/managed-by": "fleetgate"}
_Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """The authorities that were read, and the resourceVersion of their Secret."""

    roots: Roots
    version: str


class RootsStore(Protocol):
    """A store of the authorities, which all replicas share."""

    async def read(self) -> Kept | None:
        """Return what is kept, None where nothing is kept. Raises Unreached and OperatorError."""
        ...

    async def write(self, roots: Roots, over: Kept | None) -> bool:
        """Replace what was read, and return True, or False where another replica was faster.

        Raises Unreached and OperatorError.
        """
        ...


class SecretStore:
    """Keeps authorities in the Secret fleetgate-xds-ca of a namespace. It uses no other Secret."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self._all = f"/api/v1/namespaces/{namespace}/secrets"
        self._name = f"Secret {namespace}/{NAME}"

    async def read(self) -> Kept | None:
        """Get the Secret. Raises Unreached and OperatorError."""
        reply = await self._api.request("GET", f"{self._all}/{NAME}")
        if reply.status == http.HTTPStatus.NOT_FOUND:
            return None
        if not reply.ok:
            raise self._refused("read", reply)
        return self._parse(reply.json())

    async def write(self, roots: Roots, over: Kept | None) -> bool:
        """Create the Secret, or replace the version that was read.

        Raises Unreached and OperatorError.
        """
        metadata: dict[str, object] = {"name": NAME, "labels": _MANAGED}
        if over:
            metadata["resourceVersion"] = over.version
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": metadata,
            "data": {_BUNDLE: _encode(roots.bundle), _KEYS: _encode(roots.keys)},
        }
        if over:
            reply = await self._api.request("PUT", f"{self._all}/{NAME}", body=body)
        else:
            reply = await self._api.request("POST", self._all, body=body)
        # The Secret may be deleted between the read and the write. The caller then reads again.
        gone = over is not None and reply.status == http.HTTPStatus.NOT_FOUND
        if reply.status == http.HTTPStatus.CONFLICT or gone:
            return False
        if not reply.ok:
            raise self._refused("write", reply)
        return True

    def _parse(self, secret: Json) -> Kept:
        data = secret.get("data") or {}
        try:
            roots = Roots.parse(_decode(data.get(_BUNDLE, "")), _decode(data.get(_KEYS, "")))
        except BadPem as e:
            raise OperatorError(
                f"{self._name} cannot be used: {e}; put back {_BUNDLE} and {_KEYS} as they were, "
                "or delete it, and every Envoy needs a new certificate"
            ) from e
        return Kept(roots, secret["metadata"]["resourceVersion"])

    def _refused(self, verb: str, reply: Reply) -> Exception:
        why = f"status {reply.status}: {reply.message}"
        if reply.status >= 500 or reply.status == http.HTTPStatus.TOO_MANY_REQUESTS:
            return Unreached(f"{self._api.server}: {why}")
        return OperatorError(
            f"cannot {verb} {self._name} at {self._api.server} ({why}); "
            "fleetgate keeps the authority of its xDS certificates there"
        )


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as e:
        raise BadPem("it is no base64") from e
