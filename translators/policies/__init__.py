"""What can be asked for requests beyond their backend, one file a policy."""
