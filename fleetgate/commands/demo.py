"""`fleetgate demo`: the documents' examples on an embedded fleet."""

import click


@click.command()
def demo() -> None:
    """Demo."""
