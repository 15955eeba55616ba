"""Translation of the fleet's state into Envoy resources and statuses, pure and synchronous."""
