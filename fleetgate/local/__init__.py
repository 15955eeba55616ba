"""A fleet that is served on one machine, with its Envoys."""
