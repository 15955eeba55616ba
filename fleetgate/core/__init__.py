"""What every way of running shares: turns, problems, and the view of a fleet."""
