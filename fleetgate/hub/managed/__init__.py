"""Gateways that fleetgate runs on the hub, with their Envoys and load balancers."""
