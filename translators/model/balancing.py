"""Balancing: the ways to choose one of the Pods of a Service."""

from enum import Enum


class Balancing(Enum):
    """A way to choose a Pod. With HASH, equal requests go to the same Pod."""

    ROUND_ROBIN = "round_robin"
    LEAST_REQUEST = "least_conn"
    RANDOM = "random"
    HASH = "hash"
