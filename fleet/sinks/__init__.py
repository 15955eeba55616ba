"""Where fleetgate tells Kubernetes what became of its objects: statuses and events on the hub."""
