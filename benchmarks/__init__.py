"""Measures the cost and the speed of fleetgate on real API servers and real Envoys."""
