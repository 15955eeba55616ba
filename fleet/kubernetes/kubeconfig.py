"""Makes a client of an API server from a kubeconfig, or from the service account of a Pod."""

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
from fleet.kubernetes.redaction import PLAIN_URL, redacted
from fleet.kubernetes.transport import Transport, refuse_redirects

log = logging.getLogger(__name__)

AUTH_PROVIDER: Final = 30.0
"""Seconds in which an auth provider of a kubeconfig, such as OIDC, has to give credentials."""

_FILES: Final = threading.Lock()
"""Held while certificates are loaded, one client at a time.

The library writes certificates into files named by their content, and uses a file that exists
already, even if another thread is still writing it.
"""


class BadKubeconfig(Exception):
    """A configuration cannot be used. The text says why, and has no credentials in it."""


def client_of(config: Path | Mapping[str, Any], context: str | None) -> ApiClient:
    """Make a client from a context of a kubeconfig, by default from its current context.

    It blocks, since it reads and writes files and may run a plugin. Raises BadKubeconfig.
    """
    configuration = type.__call__(Configuration)  # calling the class would copy a global default
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
        # The rest does what the library's `load_and_set` does, with a time limit and a lock.
        asyncio.run(asyncio.wait_for(loader._load_authentication(), AUTH_PROVIDER))  # noqa: SLF001
        with _FILES:
            return _loaded(loader, configuration, name, plugin)
    except (ConfigException, PluginFailed) as e:
        raise BadKubeconfig(f"{name}: {redacted(str(e))}") from e
    except TimeoutError as e:
        late = f"its auth provider has not answered within {AUTH_PROVIDER:g} s"
        raise BadKubeconfig(f"{name}: {late}") from e
    except OSError as e:
        raise BadKubeconfig(f"{name} cannot be used: {e.strerror or e}") from e
    except yaml.YAMLError as e:
        raise BadKubeconfig(f"{name} cannot be used: it is no YAML ({_position_of(e)})") from e
    except (ValueError, TypeError, AttributeError) as e:
        # The library raises these for a kubeconfig of another shape.
        raise BadKubeconfig(f"{name} cannot be used: {redacted(str(e))}") from e


def _position_of(error: yaml.YAMLError) -> str:
    """The position and the reason of an error in YAML, without a quotation of the text."""
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark):
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return str(getattr(error, "reason", "")) or "unreadable"


def _loaded(
    loader: KubeConfigLoader, configuration: Configuration, name: str, plugin: "_Plugin | None"
) -> ApiClient:
    """Make a client from the loader's cluster and user. Raises BadKubeconfig."""
    loader._load_cluster_info()  # noqa: SLF001
    loader._set_config(configuration)  # noqa: SLF001
    if not hasattr(loader, "host"):
        raise BadKubeconfig(f"{name}: the cluster of the context has no server")
    if set("@?#") & set(configuration.host):
        raise BadKubeconfig(f"{name}: the server of its cluster is not {PLAIN_URL}")
    if not _fits_header(str(configuration.api_key.get("BearerToken", ""))):
        raise BadKubeconfig(
            f"{name}: its token has a line feed or another character that no HTTP header can have"
        )
    if plugin is not None:
        # The library declares the hook as None.
        configuration.refresh_api_key_hook = plugin.renew  # type: ignore[assignment]
    return _client(configuration)


def _client(configuration: Configuration) -> ApiClient:
    # With `trust_env`, aiohttp would read the proxy's environment variables and .netrc for every
    # request, in a thread, which is a fifth of the cost of writing a status. Passwords in .netrc
    # are not for API servers.
    configuration.proxy = configuration.proxy or proxy_for(configuration.host)
    configuration.client_session_kwargs = {
        "trust_env": False,
        "read_bufsize": 2**16,  # the bytes that are read ahead of a server that sends too much
        "middlewares": (refuse_redirects,),
    }
    # There is no limit on connections: each watch holds one, and none may wait for another.
    configuration.connection_pool_maxsize = 0
    client = ApiClient(configuration=configuration)
    client.rest_client = Transport(configuration)
    return client


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


class _Plugin:
    """The exec plugin of a user. It runs when this is made, and again before its token expires.

    A certificate of the plugin is not renewed: when it expires, the server answers 401, and a new
    client is made.
    """

    def __init__(self, loader: KubeConfigLoader, base: Path) -> None:
        user: dict[str, Any] = loader._user.value  # type: ignore[union-attr]  # noqa: SLF001
        self._run = user.pop("exec")
        self._base = base
        self._asking = asyncio.Lock()
        self._credentials = ask(self._run, base)
        user.update(self._credentials.user)

    async def renew(self, configuration: Configuration) -> None:
        """Run the plugin if its token is about to expire; the library calls this per request."""
        if not self._credentials.worn:
            return
        async with self._asking:
            if self._credentials.worn:
                try:
                    self._credentials = await asyncio.to_thread(ask, self._run, self._base)
                except PluginFailed as e:
                    log.warning("%s: %s", configuration.host, e)
                    return  # the former token may still be valid, which the server decides
                if token := self._credentials.user.get("token"):
                    configuration.api_key["BearerToken"] = f"Bearer {token}"


def client_in_cluster() -> ApiClient:
    """Make a client from the service account of a Pod. Reads files. Raises BadKubeconfig."""
    configuration = type.__call__(Configuration)  # calling the class would copy a global default
    try:
        load_incluster_config(configuration)
        return _client(configuration)
    except (ConfigException, OSError, ValueError) as e:
        raise BadKubeconfig(f"not in a cluster: {e}") from e
