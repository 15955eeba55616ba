"""Asking a running control plane over its admin HTTP."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from fleetgate.errors import OperatorError


def ask(port: int, path: str, *, post: bool = False, timeout: float = 10.0) -> Any:  # noqa: ANN401 (JSON)
    """The JSON answer of the control plane on this machine. Raises OperatorError.

    `timeout` is in seconds.
    """
    url = f"http://127.0.0.1:{port}{path}"
    request = Request(url, method="POST" if post else "GET")
    try:
        # Nothing on this machine is asked through a proxy.
        with build_opener(ProxyHandler({})).open(request, timeout=timeout) as answer:
            return json.load(answer)
    except HTTPError as e:
        raise OperatorError(
            f"what answers on port {port} is no fleetgate ({e.code} {e.reason}); "
            "name the port of its admin HTTP with --admin-port"
        ) from e
    except (OSError, HTTPException, ValueError) as e:
        raise OperatorError(
            f"no fleetgate answers on port {port} of this machine; "
            "start one with `fleetgate up DIR`, or name its port with --admin-port"
        ) from e
