"""A real Envoy accepts every golden case over ADS, one after the other.

`envoy --mode validate` would not check resources that come by ADS.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetgate.core.offline import read_fleet
from tests.e2e.rig import Rig, rig
from tests.e2e.standing import Standing, standing
from tests.golden.case import CASES, Case

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.xdist_group("golden")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Rig]]:
    with standing(rig(tmp_path_factory.mktemp("golden"), gateway=False)) as rigged:
        yield rigged


@pytest.mark.parametrize("name", CASES)
def test_envoy_accepts(name: str, served: Standing[Rig], tmp_path: Path) -> None:
    case = Case(name)
    case.make(tmp_path)
    wanted = read_fleet(tmp_path, "127.0.0.1", 0).resources

    async def swap() -> None:
        fleet = served.value
        control = fleet.served.control
        case.make(fleet.fleet.root)
        for gateway in wanted:
            await fleet.address(gateway)
        for gateway, resources in wanted.items():
            served_now = control.cache.snapshot(gateway)
            assert {t: set(named) for t, named in served_now.items() if named} == {
                t: set(named) for t, named in resources.items() if named
            }
            assert not control.cache.rejections(gateway)

    served.run(swap())
