"""Envoy's resources, one builder each."""
