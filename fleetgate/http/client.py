"""The client of a running control plane's admin HTTP."""

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from fleetgate.defaults import LOOPBACK
from fleetgate.errors import OperatorError


def ask(port: int, path: str, *, post: bool = False, timeout: float = 10.0) -> Any:  # noqa: ANN401 (JSON)
    """Return the JSON answer of the control plane on this machine. Raises OperatorError.

    `timeout` is in seconds.
    """
    url = f"http://{LOOPBACK}:{port}{path}"
    request = Request(url, method="POST" if post else "GET")
    try:
        # A proxy of the environment cannot reach this machine's loopback.
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
