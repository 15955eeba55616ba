"""The admin HTTP: who may ask it, and what it answers."""
