"""The resources that a turn has changed, collected from all tables that hold resources."""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from fleet.ref import Ref
from translators.envoy.names import (
    certificate_name,
    client_certificate_name,
    cluster_name,
    inner_tables,
    listener_name,
    outside_name,
    quic_name,
    table_name,
)
from translators.graph.tables import Tables
from xds.resource import Resource, TypeUrl


class Output(NamedTuple):
    """A resource of a gateway's Envoys; None if it is gone."""

    type_url: TypeUrl
    gateway: Ref
    name: str
    resource: Resource | None


def changed_resources(tables: Tables) -> Iterator[Output]:
    """Yield every resource that the last turn has changed."""
    return chain(_secrets(tables), _clusters(tables), _listeners(tables), _route_tables(tables))


def _secrets(tables: Tables) -> Iterator[Output]:
    of_hosts, defaults = tables.certificates.of_hosts, tables.certificates.defaults
    of_names = tables.certificates.of_names
    of_clients = tables.credentials.secrets
    for key in of_hosts.changed | of_names.changed:
        name = certificate_name(key.host)
        yield Output(TypeUrl.SECRET, key.gateway, name, of_hosts.get(key) or of_names.get(key))
    for gateway in defaults.changed:
        yield Output(TypeUrl.SECRET, gateway, certificate_name(""), defaults.get(gateway))
    named = tables.named.secrets
    for key in named.changed:
        yield Output(TypeUrl.SECRET, key.gateway, quic_name(key.host), named.get(key))
    for client in of_clients.changed:
        name = client_certificate_name(client.secret)
        yield Output(TypeUrl.SECRET, client.gateway, name, of_clients.get(client))


def _clusters(tables: Tables) -> Iterator[Output]:
    backends = tables.backends
    named = backends.inline_clusters
    for key in backends.clusters.changed | named.changed:
        gateway, target = key
        cluster = named.get(key) or backends.clusters.get(key)
        yield Output(TypeUrl.CLUSTER, gateway, cluster_name(target), cluster)
    for at in backends.outside.changed:
        gateway, outside = at
        yield Output(TypeUrl.CLUSTER, gateway, outside_name(outside), backends.outside.get(at))
    for key in backends.assignments.changed:
        gateway, target = key
        row = backends.assignments.get(key)
        # A Cluster that carries its endpoints itself waits for DNS. Until then the Cluster from
        # before serves by its own assignment. A change would be sent at once and take its endpoints
        # away. A removal is sent last.
        by_eds = row.resource if row and not row.by_names else None
        yield Output(TypeUrl.ENDPOINT, gateway, cluster_name(target), by_eds)


def _listeners(tables: Tables) -> Iterator[Output]:
    listeners = tables.listeners.rows
    for key in listeners.changed:
        gateway, at = key
        yield Output(TypeUrl.LISTENER, gateway, listener_name(at), listeners.get(key))


def _route_tables(tables: Tables) -> Iterator[Output]:
    hosts, aliases = tables.hosts, tables.aliases.tables
    for host in hosts.tables.changed | aliases.changed:
        table = aliases.get(host) or hosts.tables.get(host)
        name = table_name(host.tables, host.host)
        yield Output(TypeUrl.SCOPED_ROUTE, host.gateway, name, table)
    for inner in hosts.inner_tables.changed:
        gateway, target = inner
        name = table_name(inner_tables(), cluster_name(target))
        yield Output(TypeUrl.SCOPED_ROUTE, gateway, name, hosts.inner_tables.get(inner))
    for key in hosts.star_tables.changed:
        gateway, tables_set = key
        name = table_name(tables_set, "")
        yield Output(TypeUrl.SCOPED_ROUTE, gateway, name, hosts.star_tables.get(key))
