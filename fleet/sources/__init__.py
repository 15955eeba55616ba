"""Sources: where the objects of a fleet come from."""
