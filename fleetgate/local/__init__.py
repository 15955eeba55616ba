"""A fleet that is served on this machine, together with its Envoys."""
