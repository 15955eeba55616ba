"""What fleetgate costs and how fast it is, measured on real API servers and real Envoys."""
