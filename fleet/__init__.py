"""The declared state of the fleet: models, events, tables, and the sources that they come from."""
