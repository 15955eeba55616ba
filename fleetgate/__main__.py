"""`python -m fleetgate` is the command `fleetgate`."""

from fleetgate.cli import main

main()
