"""What a member declares runs, what runs is published, and deaths are noticed at the set pace."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.kubelet import RUNNING, NotSettledError
from fleetgate.demo.load import Tally, ask
from fleetgate.demo.pod import Pace
from tests.support.running_fleet import (
    AT_ONCE,
    NEVER,
    ONE,
    TWO,
    RunningFleet,
    deployment,
    running_fleet,
    service,
)

Scene = Callable[[RunningFleet], Awaitable[None]]


def play(scene: Scene, root: Path, pace: Pace = AT_ONCE) -> None:
    """Run a test with a kubelet of its own, and check that no process outlives it."""

    async def run() -> list[int]:
        async with running_fleet(root, pace) as here:
            await scene(here)
            return [
                pod.pid for member in (ONE, TWO) for pod in here.kubelet.pods(member) if pod.pid
            ]

    for pid in asyncio.run(run()):
        assert not exists(pid)


def exists(pid: int | None) -> bool:
    return Path(f"/proc/{pid}").exists()


async def answers(here: RunningFleet, member: str) -> list[Tally]:
    addresses = here.endpoints(member)
    return [await ask(address, Question("/"), 1, connections=1) for address in addresses]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the kubelet does by itself."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (nobody tells when: that is what is tested)
            await asyncio.sleep(0.01)


def test_each_replica_is_a_backend_with_an_address_of_its_own(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        web = deployment(env="cluster1", replicas=3) + service()
        here.fleet.apply(web, "web.yaml", to=ONE)
        await here.kubelet.sync()
        assert list(here.endpoints(ONE).values()) == [True] * 3
        tallies = await answers(here, ONE)
        assert [dict(tally.lines) for tally in tallies] == [{"This is env cluster1 !": 1}] * 3
        assert [dict(tally.members) for tally in tallies] == [{ONE: 1}] * 3
        assert {pod for tally in tallies for pod in tally.pods} == here.pod_labels(ONE).keys()
        assert set(map(str, here.pod_labels(ONE).values())) == {"{'app': 'web'}"}

    play(scene, tmp_path)


def test_an_edit_of_replicas_takes_effect_without_being_asked(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        here.fleet.scale(ONE, "web", 3)
        await until(lambda: list(here.endpoints(ONE).values()) == [True] * 3)
        here.fleet.scale(ONE, "web", 0)
        await until(lambda: not here.endpoints(ONE))

    play(scene, tmp_path)


def test_scaling_down_ends_processes_and_keeps_the_others(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment(replicas=3) + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        before = {pod.pid for pod in here.kubelet.pods(ONE)}
        here.fleet.scale(ONE, "web", 1)
        await here.kubelet.sync()
        after = {pod.pid for pod in here.kubelet.pods(ONE)}
        assert len(after) == 1
        assert after < before
        assert not any(exists(pid) for pid in before - after)

    play(scene, tmp_path)


def test_a_pod_that_hangs_ends_like_any_other(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        [pid] = [pod.pid for pod in here.kubelet.pods(ONE)]
        assert pid
        os.kill(pid, signal.SIGSTOP)
        here.fleet.scale(ONE, "web", 0)
        await here.kubelet.sync()
        assert not exists(pid)

    play(scene, tmp_path)


def test_a_removed_file_ends_its_pods_and_leaves_other_members_alone(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        for member in (ONE, TWO):
            here.fleet.apply(deployment() + service(), "web.yaml", to=member)
        await here.kubelet.sync()
        [other] = here.kubelet.pods(TWO)
        pid = other.pid
        here.fleet.remove("web.yaml", to=ONE)
        await here.kubelet.sync()
        assert here.kubelet.pods(ONE) == ()
        assert not (here.fleet.directory(ONE) / RUNNING).exists()
        assert [pod.pid for pod in here.kubelet.pods(TWO)] == [pid]

    play(scene, tmp_path)


def test_a_deleted_service_takes_its_endpoints_but_not_its_pods(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        [pid] = [pod.pid for pod in here.kubelet.pods(ONE)]
        here.fleet.delete_service(ONE, "web")
        await here.kubelet.sync()
        assert not here.endpoints(ONE)
        assert [pod.pid for pod in here.kubelet.pods(ONE)] == [pid]
        assert len(here.pod_labels(ONE)) == 1

    play(scene, tmp_path)


def test_a_service_selects_pods_by_labels_of_its_namespace(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        blue = {"app": "web", "colour": "blue"}
        here.fleet.apply(
            deployment("blue", labels=blue)
            + deployment("other", labels={"app": "web"})
            + deployment("far", labels=blue, namespace="far")
            + service("web", selector=blue),
            "web.yaml",
            to=ONE,
        )
        await here.kubelet.sync()
        [[pod]] = [tally.pods for tally in await answers(here, ONE)]
        assert pod == here.kubelet.pods(ONE, "blue")[0].name

    play(scene, tmp_path)


@pytest.mark.parametrize(
    ("target", "ports", "expected"),
    [
        pytest.param(8080, {}, 8080, id="number"),
        pytest.param(9090, {}, 9090, id="another number"),
        pytest.param("http", {"http": 7070}, 7070, id="name of a container's port"),
    ],
)
def test_pods_listen_where_the_service_looks_for_them(
    tmp_path: Path, target: int | str, ports: dict[str, int], expected: int
) -> None:
    async def scene(here: RunningFleet) -> None:
        text = deployment(env="e", ports=ports) + service(target=target)
        here.fleet.apply(text, "web.yaml", to=ONE)
        await here.kubelet.sync()
        assert {port for _, port in here.endpoints(ONE)} == {expected}
        [tally] = await answers(here, ONE)
        assert not tally.failures

    play(scene, tmp_path)


def test_a_killed_pod_stays_listed_until_its_probe_fails(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        await here.kubelet.kill(ONE)
        assert [pod.pid for pod in here.kubelet.pods(ONE)] == [None]
        assert list(here.endpoints(ONE).values()) == [True]
        assert (await answers(here, ONE))[0].failures
        with pytest.raises(NotSettledError, match=r"not up after 0\.2 s: web-"):
            await here.kubelet.sync(timeout=timedelta(seconds=0.2))

    play(scene, tmp_path, NEVER)


def test_a_killed_pod_is_held_down_until_revived_under_its_name(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment(replicas=2) + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        before = here.endpoints(ONE).keys(), here.pod_labels(ONE)
        await here.kubelet.kill(ONE, "web")
        await here.kubelet.sync()
        assert list(here.endpoints(ONE).values()) == [False, False]
        assert [pod.pid for pod in here.kubelet.pods(ONE)] == [None, None]
        here.kubelet.revive(ONE, "web")
        await here.kubelet.sync()
        assert list(here.endpoints(ONE).values()) == [True, True]
        assert (here.endpoints(ONE).keys(), here.pod_labels(ONE)) == before

    play(scene, tmp_path)


def test_a_pod_killed_while_it_starts_stays_down_too(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await until(lambda: bool(here.kubelet.pods(ONE)))
        await asyncio.sleep(0)  # its task has begun, its process has not
        await here.kubelet.kill(ONE)
        await here.kubelet.sync()
        assert list(here.endpoints(ONE).values()) == [False]

    play(scene, tmp_path)


def test_a_pod_that_dies_by_itself_restarts(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        [pod] = here.kubelet.pods(ONE)
        pid = pod.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        await until(lambda: pod.pid not in {None, pid})
        await here.kubelet.sync()
        assert not (await answers(here, ONE))[0].failures

    play(scene, tmp_path)


def test_ctrl_c_reaches_the_demo_alone(tmp_path: Path) -> None:
    """A terminal interrupts a whole process group: the Pods are in another one."""

    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        [pid] = [pod.pid for pod in here.kubelet.pods(ONE)]
        assert pid
        assert os.getpgid(pid) != os.getpgid(0)

    play(scene, tmp_path)


def test_an_edited_template_serves_all_the_way_through(tmp_path: Path) -> None:
    """The new Pods are ready before the former ones end, as in a rolling update."""

    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment(env="old") + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        [former] = here.kubelet.pods(ONE)
        here.fleet.apply(deployment(env="new") + service(), "web.yaml", to=ONE)
        served = []

        def former_has_gone() -> bool:
            served.append(any(here.endpoints(ONE).values()))
            return former not in here.kubelet.pods(ONE)

        await until(former_has_gone)
        await here.kubelet.sync()
        assert all(served)
        lines = [dict(tally.lines) for tally in await answers(here, ONE)]
        assert lines == [{"This is env new !": 1}]

    play(scene, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("kind: [", id="not YAML"),
        pytest.param(
            "kind: Deployment\nmetadata: {name: web}\nspec: {replicas: x}", id="wrong type"
        ),
    ],
)
def test_a_half_written_file_keeps_what_it_held(tmp_path: Path, text: str) -> None:
    async def scene(here: RunningFleet) -> None:
        path = here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        before = here.endpoints(ONE)
        path.write_text(text)
        await here.kubelet.sync()
        assert here.endpoints(ONE) == before
        here.fleet.apply(deployment(replicas=2) + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        assert len(here.endpoints(ONE)) == 2

    play(scene, tmp_path)


def test_pods_outlive_their_member_directory(tmp_path: Path) -> None:
    """A member that cannot be reached goes on running."""

    async def scene(here: RunningFleet) -> None:
        here.fleet.apply(deployment() + service(), "web.yaml", to=ONE)
        await here.kubelet.sync()
        directory = here.fleet.directory(ONE)
        directory.rename(tmp_path / "elsewhere")
        await here.kubelet.sync()
        assert [pod.ready for pod in here.kubelet.pods(ONE)] == [True]

    play(scene, tmp_path)


def test_a_member_that_joins_later_runs_too(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        await here.kubelet.sync()
        here.fleet.directory("three").mkdir()
        here.fleet.apply(deployment() + service(), "web.yaml", to="three")
        await here.kubelet.sync()
        assert list(here.endpoints("three").values()) == [True]

    play(scene, tmp_path)


def test_two_fleets_share_a_host_without_sharing_an_address(tmp_path: Path) -> None:
    async def scene(here: RunningFleet) -> None:
        async with running_fleet(tmp_path / "other") as there:
            for each in (here, there):
                each.fleet.apply(deployment(replicas=2) + service(), "web.yaml", to=ONE)
                await each.kubelet.sync()
            assert here.endpoints(ONE).keys().isdisjoint(there.endpoints(ONE))

    (tmp_path / "other").mkdir()
    play(scene, tmp_path)


def test_a_port_taken_on_all_addresses_is_stood_in_for_by_another(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 (that is what is tested)
        wanted = taken.getsockname()[1]

        async def scene(here: RunningFleet) -> None:
            text = deployment(env="e") + service(target=wanted)
            here.fleet.apply(text, "web.yaml", to=ONE)
            await here.kubelet.sync()
            [(_, port)] = here.endpoints(ONE)
            assert port != wanted
            [tally] = await answers(here, ONE)
            assert dict(tally.lines) == {"This is env e !": 1}

        play(scene, tmp_path)


def test_what_cannot_run_here_is_said_at_once_and_the_rest_runs(tmp_path: Path) -> None:
    with contextlib.ExitStack() as taken:
        wanted = take_every_port_like_one(taken)

        async def scene(here: RunningFleet) -> None:
            here.fleet.apply(deployment() + service(target=wanted), "web.yaml", to=ONE)
            here.fleet.apply(deployment() + service(), "web.yaml", to=TWO)
            with pytest.raises(NotSettledError, match=rf"web in one cannot .* port {wanted} is"):
                await here.kubelet.sync()
            await until(lambda: list(here.endpoints(TWO).values()) == [True])

        play(scene, tmp_path)


def take_every_port_like_one(taken: contextlib.ExitStack) -> int:
    """Listen on a port and on all that could stand in for it; gives the port."""
    for last_digits in range(4000, 10000):
        with contextlib.ExitStack() as held:
            try:
                for port in range(last_digits, 65536, 10000):
                    held.enter_context(socket.create_server(("0.0.0.0", port)))  # noqa: S104 (that is what is tested)
            except OSError:
                continue
            taken.push(held.pop_all())
            return last_digits
    raise AssertionError("no free ports")


def test_no_process_outlives_a_killed_parent(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import asyncio
        from pathlib import Path
        from tests.support.running_fleet import ONE, deployment, service, running_fleet

        async def main():
            async with running_fleet(Path({str(tmp_path)!r})) as here:
                here.fleet.apply(deployment(replicas=2) + service(), "web.yaml", to=ONE)
                await here.kubelet.sync()
                print(*(pod.pid for pod in here.kubelet.pods(ONE)), flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        watches = [os.pidfd_open(pid) for pid in pids]
        parent.kill()
    for watch in watches:
        assert select.select([watch], [], [], 10)[0], "a pidfd is readable once its process ended"
        os.close(watch)
