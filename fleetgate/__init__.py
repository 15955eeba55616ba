"""The programs around translation and xDS: commands, admin HTTP, and the writing to a hub."""
