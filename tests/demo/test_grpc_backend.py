"""A Pod that speaks gRPC serves the health service, and ends as every Pod does."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from fleetgate.demo.fleet import manifest
from fleetgate.demo.grpc_backend import CHECK, SERVING
from fleetgate.demo.loopback import Loopback
from fleetgate.demo.workloads import Deployment, parse


@contextmanager
def running() -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a Pod as its user does, and yield its address once it listens."""
    loopback = Loopback()
    try:
        place = next(iter(loopback.addresses("one"))), loopback.port(5000)
        command = (sys.executable, "-I", "-m", "fleetgate.demo.grpc_backend", "--until-eof")
        options = (f"--address={place[0]}", f"--port={place[1]}", "--pod=health-1", "--member=one")
        with subprocess.Popen(
            [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout
                said = process.stdout.readline().split()
                assert said[:2] == ["listening", "on"]
                yield said[2], process
            finally:
                process.kill()
    finally:
        loopback.close()


def test_it_answers_checks_with_its_name_and_ends_with_its_standard_input() -> None:
    with running() as (place, process):
        with grpc.insecure_channel(place) as channel:
            check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(CHECK)
            answer, call = check.with_call(b"", timeout=20)
            assert answer == SERVING
            assert dict(call.initial_metadata())["x-pod"] == "health-1"
            other: grpc.UnaryUnaryMultiCallable[bytes, bytes]
            other = channel.unary_unary("/grpc.health.v1.Health/Other")
            with pytest.raises(grpc.RpcError) as failed:
                other(b"", timeout=20)
            assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_port_that_is_taken_is_said() -> None:
    with running() as (place, _):
        address, _, port = place.partition(":")
        command = (sys.executable, "-I", "-m", "fleetgate.demo.grpc_backend")
        options = (f"--address={address}", f"--port={port}")
        ended = subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 2
    assert f"cannot listen on {place}: " in ended.stderr


@pytest.mark.parametrize(
    ("file", "speaks"),
    [
        pytest.param("grpc-demo.yaml", True, id="grpc"),
        pytest.param("web-demo.yaml", False, id="http"),
    ],
)
def test_the_arguments_of_a_container_decide_what_its_pod_speaks(file: str, speaks: bool) -> None:
    text = manifest(f"alb-north-south-traffic/{file}").encode()
    (declared,) = [each for each in parse(text) if isinstance(each, Deployment)]
    assert declared.spec.template.speaks_grpc is speaks
