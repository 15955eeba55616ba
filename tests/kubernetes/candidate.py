"""A candidate for the Lease, as a process of its own, which prints when it leads.

python candidate.py KUBECONFIG HOLDER
"""

import asyncio
import sys
from pathlib import Path

from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.lease import Leader, LeaseSettings


async def lead() -> None:
    sys.stdout.write("leads\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().create_future()


async def main() -> None:
    api = await ApiServer.from_kubeconfig(Path(sys.argv[1]))
    await Leader(api, "default", sys.argv[2], LeaseSettings(4, 3, 1)).run(lead)


if __name__ == "__main__":
    asyncio.run(main())
