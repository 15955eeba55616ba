"""A client of an API server, made of a kubeconfig or of what Kubernetes gives to a Pod."""

import asyncio
import copy
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config
from kubernetes.aio.config.kube_config import KubeConfigLoader

from fleet.kubernetes.plugin import PluginFailed, ask
from fleet.kubernetes.proxy import proxy_for
from fleet.kubernetes.told import PLAIN_URL, told
from fleet.kubernetes.transport import Transport, refuse_redirects

log = logging.getLogger(__name__)

AUTH_PROVIDER: Final = 30.0
"""Seconds in which an auth provider of a kubeconfig (OIDC, say) gives credentials."""

_FILES: Final = threading.Lock()
"""The library puts certificates into files, named by content, and names one before it is full."""


class BadKubeconfig(Exception):
    """A configuration that leads nowhere; the text says what is wrong, and holds no credentials."""


def client_of(config: Path | Mapping[str, Any], context: str | None) -> ApiClient:
    """A client by a context of a kubeconfig, the current one where none is named.

    Files are read and written, and plugins run: it blocks. Raises BadKubeconfig.
    """
    found = type.__call__(Configuration)  # the class gives copies of a default otherwise
    name = str(config) if isinstance(config, Path) else "the kubeconfig"
    base = str(config.parent.absolute()) if isinstance(config, Path) else ""
    try:
        read = yaml.safe_load(config.read_bytes()) if isinstance(config, Path) else config
        if not isinstance(read, Mapping):
            raise BadKubeconfig(f"{name} is not a kubeconfig")
        loader = KubeConfigLoader(copy.deepcopy(dict(read)), context, config_base_path=base)
        if loader._user is None:  # noqa: SLF001 (the library fails later, with a TypeError)
            raise BadKubeconfig(f"{name}: the context names no user that is there")
        plugin = _Plugin(loader, Path(base)) if "exec" in loader._user else None  # noqa: SLF001
        # As its `load_and_set`, but for the lock and the limit.
        asyncio.run(asyncio.wait_for(loader._load_authentication(), AUTH_PROVIDER))  # noqa: SLF001
        with _FILES:
            return _loaded(loader, found, name, plugin)
    except (ConfigException, PluginFailed) as e:
        raise BadKubeconfig(f"{name}: {told(str(e))}") from e
    except TimeoutError as e:
        late = f"its auth provider has not answered within {AUTH_PROVIDER:g} s"
        raise BadKubeconfig(f"{name}: {late}") from e
    except OSError as e:
        raise BadKubeconfig(f"{name} cannot be used: {e.strerror or e}") from e
    except yaml.YAMLError as e:
        raise BadKubeconfig(f"{name} cannot be used: it is no YAML ({_place_of(e)})") from e
    except (ValueError, TypeError, AttributeError) as e:
        # What the library makes of contents of another shape.
        raise BadKubeconfig(f"{name} cannot be used: {told(str(e))}") from e


def _place_of(error: yaml.YAMLError) -> str:
    """Where a text is no YAML, and why; the text itself is not quoted."""
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark):
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return str(getattr(error, "reason", "")) or "unreadable"


def _loaded(
    loader: KubeConfigLoader, found: Configuration, name: str, plugin: "_Plugin | None"
) -> ApiClient:
    """Make a client of what the loader has found. Raises BadKubeconfig."""
    loader._load_cluster_info()  # noqa: SLF001
    loader._set_config(found)  # noqa: SLF001
    if not hasattr(loader, "host"):
        raise BadKubeconfig(f"{name}: the cluster of the context has no server")
    if set("@?#") & set(found.host):
        raise BadKubeconfig(f"{name}: the server of its cluster is not {PLAIN_URL}")
    if not _fits_header(str(found.api_key.get("BearerToken", ""))):
        raise BadKubeconfig(
            f"{name}: its token has a line feed or another character that no HTTP header can have"
        )
    if plugin is not None:
        found.refresh_api_key_hook = plugin.renew  # type: ignore[assignment]  # declared as None
    return _client(found)


def _client(found: Configuration) -> ApiClient:
    # Left to itself, aiohttp asks the environment for a proxy and .netrc for a password, which is
    # not for API servers, in a thread of each request: a fifth of what a status costs.
    found.proxy = found.proxy or proxy_for(found.host)
    found.client_session_kwargs = {
        "trust_env": False,
        "read_bufsize": 2**16,  # all that is read ahead of a server that says too much
        "middlewares": (refuse_redirects,),
    }
    found.connection_pool_maxsize = 0  # no limit: a watch holds a connection, and waits for none
    client = ApiClient(configuration=found)
    client.rest_client = Transport(found)
    return client


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


class _Plugin:
    """The plugin of a user: asked when this is made, and again before its token expires.

    A certificate stays until the client is made anew, which a 401 leads to.
    """

    def __init__(self, loader: KubeConfigLoader, base: Path) -> None:
        user: dict[str, Any] = loader._user.value  # type: ignore[union-attr]  # noqa: SLF001
        self._run = user.pop("exec")
        self._base = base
        self._asking = asyncio.Lock()
        self._has = ask(self._run, base)
        user.update(self._has.user)

    async def renew(self, configuration: Configuration) -> None:
        """The library calls this before each request."""
        if not self._has.worn:
            return
        async with self._asking:
            if self._has.worn:
                try:
                    self._has = await asyncio.to_thread(ask, self._run, self._base)
                except PluginFailed as e:
                    log.warning("%s: %s", configuration.host, e)
                    return  # the server says whether the former token is still good
                if token := self._has.user.get("token"):
                    configuration.api_key["BearerToken"] = f"Bearer {token}"


def client_in_cluster() -> ApiClient:
    """A client by what Kubernetes gives to a Pod. Reads files. Raises BadKubeconfig."""
    found = type.__call__(Configuration)
    try:
        load_incluster_config(found)
        return _client(found)
    except (ConfigException, OSError, ValueError) as e:
        raise BadKubeconfig(f"not in a cluster: {e}") from e
