"""Translation: fleet state in, Envoy resources and statuses out; pure and synchronous."""
