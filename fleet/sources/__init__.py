"""Sources: they read the objects of a fleet and emit them as events."""
