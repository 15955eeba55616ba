"""A replica of fleetgate with short times of election, as a process of its own.

python replica.py KUBECONFIG NAMESPACE BIND PORT_OFFSET
"""

import logging
import sys
from pathlib import Path

from fleet.kubernetes.lease import LeaseSettings
from fleetgate.core.control import ControlSettings
from fleetgate.fleets import HubPlace
from fleetgate.hub.leading import LeadingSettings
from fleetgate.hub.neighbours import NeighbourSettings
from fleetgate.hub.replicas import ReplicaSettings
from fleetgate.lifetime import run, until_stopped
from fleetgate.serving import HubDuties, ServeSettings, XdsSettings, serving

DUTIES = HubDuties(
    leading=LeadingSettings(
        LeaseSettings(4, 3, 1),
        ReplicaSettings(every=0.5, forget=3.0),
        NeighbourSettings(every=0.5, gone=6.0, settle=2.0),
    )
)


async def main(kubeconfig: str, namespace: str, bind: str, port_offset: str) -> None:
    settings = ServeSettings(
        control=ControlSettings(bind=bind, port_offset=int(port_offset)),
        xds=XdsSettings(port=0),
        duties=DUTIES,
        admin_port=0,
    )
    place = HubPlace(Path(kubeconfig), namespace=namespace)
    async with serving(place, settings) as running:
        sys.stdout.write(f"xDS on 127.0.0.1:{running.xds_port}, ")
        sys.stdout.write(f"admin on 127.0.0.1:{running.admin_port}\n")
        await until_stopped()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    run(main(*sys.argv[1:]))
