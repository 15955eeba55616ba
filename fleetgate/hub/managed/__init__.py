"""Gateways that fleetgate runs on the hub: their Envoys, and the load balancers in front."""
