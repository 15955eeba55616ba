"""The roof: settings, command line, admin HTTP, and the local runner of Envoy."""
