"""Asking a running control plane over its admin HTTP."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from fleetgate.errors import OperatorError


def ask(port: int, path: str, *, post: bool = False, timeout: float = 10.0) -> Any:  # noqa: ANN401 (JSON)
    """The JSON answer of the control plane on this machine. Raises OperatorError.

    `timeout` is in seconds.
    """
    url = f"http://127.0.0.1:{port}{path}"
    request = Request(url, method="POST" if post else "GET")
    try:
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310 (as above)
            return json.load(answer)
    except HTTPError as e:
        raise OperatorError(e.read().decode(errors="replace").strip()) from e
    except (OSError, HTTPException, ValueError) as e:
        raise OperatorError(
            f"no fleetgate answers on port {port} of this machine; "
            "start one with `fleetgate up DIR`, or name its port with --admin-port"
        ) from e
