"""A program that declares the documents' objects in a directory, and runs their Pods.

    $ python -m fleetgate.demo.members FLEET

The control plane and Envoy are other processes on the same loopback, as in docker-compose.yml. A
directory with a hub is left as it is, so that a user's edits outlive a restart.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleet.ref import HUB
from fleetgate.demo.examples import NORTH_SOUTH_TRAFFIC
from fleetgate.demo.fleet import DemoFleet, manifest
from fleetgate.demo.kubelet import Kubelet, NotSettledError
from fleetgate.demo.steps import Apply, Attach, Document
from fleetgate.errors import OperatorError
from fleetgate.lifetime import run, until_stopped


def declare(root: Path, document: Document = NORTH_SOUTH_TRAFFIC) -> DemoFleet:
    """Make a fleet of all objects that exist once a reader has followed the whole document."""
    fleet = DemoFleet.create(root)
    for step in _declarations(document):
        if isinstance(step, Attach):
            fleet.attach(step.file, fleet.members)
        else:
            text = manifest(f"{document.folder}/{step.file}")
            name = step.kept_as
            fleet.apply(text, name, to=step.to, namespace=step.namespace, values=step.values)
    return fleet


def _declarations(document: Document) -> Iterator[Apply | Attach]:
    """Yield the steps whose objects stay. Changes of members in examples are reverted later."""
    for step in document.preparation:
        if isinstance(step, Apply | Attach):
            yield step
    for example in document.examples:
        for applied in example.steps:
            if isinstance(applied, Apply) and applied.to == HUB:
                yield applied


async def _serve(root: Path) -> None:
    if not await asyncio.to_thread((root / "hub").is_dir):
        await asyncio.to_thread(declare, root)
    async with Kubelet(root).running() as kubelet:
        await kubelet.sync()
        print(f"the Pods of {root} run", flush=True)  # noqa: T201 (this is a program)
        await until_stopped()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the members of a fleet until a signal. Return 2 where they cannot run here."""
    parser = argparse.ArgumentParser(
        prog="python -m fleetgate.demo.members",
        description="Run the Pods that a directory fleet declares, the documents' own if none is.",
    )
    parser.add_argument("fleet", type=Path, metavar="FLEET", help="directory of the fleet")
    root = parser.parse_args(argv).fleet
    try:
        run(_serve(root))
    except (OperatorError, NotSettledError, OSError) as error:
        print(f"members: {error}", file=sys.stderr)  # noqa: T201 (this is a program)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
