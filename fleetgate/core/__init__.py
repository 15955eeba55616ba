"""The parts that `up`, `serve` and `check` share: turns, problems, and the view of a fleet."""
