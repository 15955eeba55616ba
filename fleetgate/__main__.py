"""`python -m fleetgate` runs the command `fleetgate`."""

from fleetgate.cli import main

main()
