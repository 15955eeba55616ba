"""Builders of Envoy's resources, one module for each."""
