"""Certificates come, change and go, and no client with another one notices."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from fleetgate.demo.http import Question
from tests.e2e.rig import ask_once
from tests.e2e.secured import Secured, is_refused, secured
from tests.e2e.standing import Standing, standing
from tests.support.authority import Pair
from tests.support.builders import ingress, secret
from tests.support.certificates import Key, certificate, tls_data

OF_SOLVERS = {"nginx.ingress.kubernetes.io/whitelist-source-range": "0.0.0.0/0,::/0"}
REDIRECT = {"nginx.ingress.kubernetes.io/ssl-redirect": "true"}
ROTATIONS = 20
KEYS: Mapping[str, Callable[[], Key]] = {
    "rsa": partial(rsa.generate_private_key, 65537, 2048),
    "p-256": partial(ec.generate_private_key, ec.SECP256R1()),
    "p-384": partial(ec.generate_private_key, ec.SECP384R1()),
    "p-521": partial(ec.generate_private_key, ec.SECP521R1()),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("tls"))) as site:
        yield site


async def listeners(site: Secured) -> str:
    """Return the counts of listeners that Envoy has made anew, from its statistics."""
    (envoy,) = site.rig.served.gateways.envoys.values()
    return await envoy.get("/stats?filter=listener_manager.listener_(added|modified|removed)")


def test_a_rotated_certificate_is_in_the_next_handshake_and_no_connection_ends(
    site: Standing[Secured],
) -> None:
    served = site.value
    site.run(served.declare_host("turn.test"))

    async def rotate() -> None:
        client = served.client(Question("/", "turn.test"), "turn.test")
        answers: list[int] = []
        seen: set[int] = set()
        try:
            answers.append((await client.ask()).status)
            for _ in range(ROTATIONS):
                fresh = served.pair("turn.test")
                data = tls_data(fresh)
                served.rig.declare(
                    "turn-test.yaml",
                    served.ingress("turn.test", "turn-test"),
                    secret("turn-test", data),
                )
                await served.rig.sync()
                answers.append((await client.ask()).status)
                shown = await served.handshake("turn.test", checks=True)
                seen.add(shown.certificate.serial_number)
                assert client.is_open
        finally:
            client.close()
        assert answers == [200] * (ROTATIONS + 1)
        assert len(seen) == ROTATIONS

    site.run(rotate())


def test_a_host_that_loses_its_certificate_keeps_its_open_connections(
    site: Standing[Secured],
) -> None:
    served = site.value
    site.run(served.declare_host("gone.test"))

    async def lose() -> None:
        client = served.client(Question("/", "gone.test"), "gone.test")
        try:
            assert (await client.ask()).status == 200
            bare = ingress("gone-test", host="gone.test").path("/", to="web:80").of_class("mse")
            served.rig.declare("gone-test.yaml", bare)
            await served.rig.sync()
            assert await is_refused(served, "gone.test")
            assert (await client.ask()).status == 200
            assert client.is_open
        finally:
            client.close()
        await served.declare_host("gone.test")
        assert (await served.handshake("gone.test", checks=True)).name == "gone.test"

    site.run(lose())


def test_hosts_come_and_go_without_a_listener(site: Standing[Secured]) -> None:
    served = site.value
    names = [f"h{number}.many.test" for number in range(300)]
    before = site.run(listeners(served))
    shared = served.secret("many", "*.many.test")
    served.rig.declare(
        "many.yaml", shared, *(served.ingress(n, "many", "*.many.test") for n in names)
    )
    site.run(served.rig.sync())

    async def shake() -> list[str]:
        return [(await served.handshake(name, checks=True)).name for name in names]

    assert site.run(shake()) == ["*.many.test"] * len(names)
    served.rig.declare("many.yaml", shared)
    site.run(served.rig.sync())
    assert site.run(is_refused(served, names[0]))
    assert site.run(listeners(served)) == before


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"tls.crt": "aGVsbG8=", "tls.key": "aGVsbG8="}, id="no-certificate"),
        pytest.param({}, id="empty"),
        pytest.param(
            tls_data(Pair(certificate("web.test").certificate, certificate("web.test").key)),
            id="mismatch",
        ),
    ],
)
def test_a_broken_secret_keeps_the_last_certificate_and_disturbs_no_other_host(
    site: Standing[Secured], broken: dict[str, str]
) -> None:
    served = site.value
    site.run(served.declare_host("break.test"))
    before = site.run(served.handshake("break.test", checks=True)).certificate.serial_number
    rule = served.ingress("break.test", "break-test")
    served.rig.declare("break-test.yaml", rule, secret("break-test", broken))
    site.run(served.rig.sync())
    assert site.run(served.handshake("break.test")).certificate.serial_number == before
    site.run(served.declare_host("other.test"))
    assert site.run(served.handshake("other.test", checks=True)).name == "other.test"
    assert site.run(ask_once(served.http, Question("/", "break.test"))).status == 200


def test_a_certificate_of_cert_manager_comes_after_its_challenge(site: Standing[Secured]) -> None:
    """The solver's Ingress is beside that of the host, which redirects once it can."""
    served = site.value
    token = "/.well-known/acme-challenge/nK-token_1"  # noqa: S105 (part of a path)
    host = served.ingress("acme.test", "acme").annotate(REDIRECT)
    solver = ingress("cm-acme-http-solver-x7", host="acme.test").of_class("mse")
    solver = solver.annotate(OF_SOLVERS)
    solver = solver.path(token, to="web:80", kind="ImplementationSpecific")

    async def status(path: str) -> int:
        return (await ask_once(served.http, Question(path, "acme.test"))).status

    async def come() -> None:
        served.rig.declare("acme.yaml", host)
        served.rig.declare("solver.yaml", solver)
        await served.rig.sync()
        assert (await status(token), await status("/")) == (200, 200)
        assert await is_refused(served, "acme.test")
        served.rig.declare("secret.yaml", served.secret("acme", "acme.test"))
        await served.rig.sync()
        assert (await served.handshake("acme.test", checks=True)).name == "acme.test"
        assert (await status(token), await status("/")) == (200, 308)
        (served.rig.fleet.directory("") / "solver.yaml").unlink()
        await served.rig.sync()
        assert await status(token) == 308

    site.run(come())


@pytest.mark.parametrize("kind", ["rsa", "p-256", "p-384", "p-521"])
def test_envoy_takes_each_kind_of_key_that_is_taken_here(
    site: Standing[Secured], kind: str
) -> None:
    served = site.value
    pair = certificate("kind.test", key=KEYS[kind]())
    rule = served.ingress("kind.test", "kind")
    served.rig.declare("kind.yaml", rule, secret("kind", tls_data(pair)))
    site.run(served.rig.sync())
    shown = site.run(served.handshake("kind.test"))
    assert shown.certificate.public_bytes(Encoding.PEM) == pair.certificate
