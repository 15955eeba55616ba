"""Measures the cost per request of choosing a route, by lists and trees, and by route tables."""
