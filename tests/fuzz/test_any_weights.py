"""Whatever weights canaries and Services have on a path, Envoy gets their shares in 32 bits."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.builders import IngressBuilder, ingress, mse_gateway
from tests.support.translation import World
from xds.readable import readable
from xds.resource import TypeUrl

NGINX = "nginx.ingress.kubernetes.io/"
MSE = "mse.ingress.kubernetes.io/"

Percents: TypeAlias = Sequence[int]

_PERCENTS = st.lists(st.integers(1, 100), min_size=1, max_size=5)
_WEIGHT = st.one_of(
    st.integers(0, 200),
    st.sampled_from([10**n for n in range(3, 18)]),
    st.integers(2**32 - 2, 2**32 + 2),
    st.integers(0, 10**18 - 1),
)
_CANARY = st.tuples(_WEIGHT, st.none() | _WEIGHT, _PERCENTS)


@settings(max_examples=300)
@given(main=_PERCENTS, canaries=st.lists(_CANARY, max_size=4))
@example(main=[100, 99], canaries=[(500_000, 1_000_000, [100, 97])])
@example(main=[100, 99], canaries=[(10_000, 120_000, [100, 97])])
@example(main=[97, 89, 83], canaries=[(10**17, 10**18 - 1, [79, 73]), (7, None, [71, 67])])
def test_any_weights(main: Percents, canaries: Sequence[tuple[int, int | None, Percents]]) -> None:
    world = World()
    world.put(mse_gateway("gw").manifest, _destined("main", main).manifest)
    for number, (weight, total, percents) in enumerate(canaries):
        canary = _destined(f"canary-{number}", percents).created(f"202{number}-01-01T00:00:00Z")
        keys = {"canary": "true", "canary-weight": str(weight)}
        keys |= {} if total is None else {"canary-weight-total": str(total)}
        world.put(canary.annotate({NGINX + key: value for key, value in keys.items()}).manifest)

    weights = _weights(world)

    shares = [share for share in _shares(main, canaries) if share]
    assert len(weights) == len(shares)
    assert 0 < sum(weights) < 2**32
    for weight, share in zip(weights, shares, strict=True):
        assert weight > 0
        assert abs(Fraction(weight, sum(weights)) - share) < Fraction(1, 10**7)


def _destined(name: str, percents: Percents) -> IngressBuilder:
    lines = [f"{p}% {name}-{n}.default.svc.cluster.local:80" for n, p in enumerate(percents)]
    made = ingress(name, host="shop.test").path("/", to="none:80").of_class("mse")
    return made.annotate({f"{MSE}destination": "\n".join(lines)})


def _shares(
    main: Percents, canaries: Sequence[tuple[int, int | None, Percents]]
) -> Iterator[Fraction]:
    """Return the share that each Service is meant to get."""
    totals = [100 if total is None else total for _, total, _ in canaries]
    first = totals[0] if totals else 0
    taken = [min(weight, first) for weight, _, _ in canaries]
    total = max(first, sum(taken)) if any(taken) else 1
    for percents, part in zip(
        (main, *(percents for _, _, percents in canaries)),
        (total - sum(taken), *taken),
        strict=True,
    ):
        for percent in percents:
            yield Fraction(part * percent, total * sum(percents))


def _weights(world: World) -> list[int]:
    """Return the weights of the only rule, as Envoy gets them."""
    name = "mse|shop.test"
    table: Any = readable(
        TypeUrl.SCOPED_ROUTE, world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, name].body
    )
    action = table["route_configuration"]["virtual_hosts"][0]["routes"][0]["route"]
    if "cluster" in action:
        return [1]
    return [cluster["weight"] for cluster in action["weighted_clusters"]["clusters"]]
