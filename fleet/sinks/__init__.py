"""Sinks: they write statuses and events of the hub's objects to the hub."""
