"""The Ingresses of a deleted IngressClass have a problem until it is back."""

from typing import Any

import pytest

from fleet.events import Deleted, Listed, Upserted
from fleet.models import IngressClass
from fleet.ref import HUB, Ref
from fleetgate.core.control import ControlPlane
from tests.control.rig import NEVER, Said, starting
from tests.support.builders import (
    Builder,
    IngressBuilder,
    alb_class,
    alb_gateway,
    ingress,
    ingress_class,
    mse_gateway,
)

CLASS = ingress_class("web", gateway="gw")
GATEWAY = mse_gateway("gw", ingress_class=None)
SHOP = ingress("shop", host="shop.test").path("/", to="web:80").of_class("web")
OLD = ingress("old", host="old.test").annotate({"kubernetes.io/ingress.class": "web"})
STRANGER = ingress("stranger", host="stranger.test").of_class("nobodys")


def upserted(*objects: Builder[Any]) -> list[Upserted]:
    return [Upserted(each.ref(), each.model()) for each in objects]


def told(control: ControlPlane, of: IngressBuilder) -> list[tuple[str, str]]:
    row = control.translator.tables.statuses.of_ingresses.rows[of.ref()]
    return [(p.reason, p.key) for p in row.problems if p.reason != "NoMembers"]


def test_an_ingress_whose_class_is_gone_is_told_until_it_is_back() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(*upserted(GATEWAY, CLASS, SHOP, OLD, STRANGER), Listed(HUB))
        await control.settle()
        assert told(control, SHOP) == []
        status = control.translator.tables.statuses.of_ingresses
        assert status.rows[SHOP.ref()].gateways == ("mse/gw",)

        await source.say(Deleted(CLASS.ref()))
        await control.settle()
        assert status.rows[SHOP.ref()].gateways == ()
        assert told(control, SHOP) == [("IngressClassNotFound", "spec.ingressClassName")]
        key = "metadata.annotations[kubernetes.io/ingress.class]"
        assert told(control, OLD)[-1] == ("IngressClassNotFound", key)
        assert told(control, STRANGER) == []
        (problem,) = status.rows[SHOP.ref()].problems
        assert problem.message == (
            "spec.ingressClassName: 'web' (expected an IngressClass that exists: web, which stood "
            "for MseIngressConfig gw, is gone); nothing serves it"
        )

        await source.say(*upserted(CLASS))
        await control.settle()
        assert told(control, SHOP) == []

    starting(NEVER, scenario)


@pytest.mark.parametrize(
    ("ingress_class", "gateway"),
    [
        pytest.param(ingress_class("web", controller="k8s.io/ingress-nginx"), GATEWAY, id="theirs"),
        pytest.param(CLASS, mse_gateway("gw", ingress_class=""), id="taken-without-the-class-too"),
    ],
)
def test_nobody_is_told_whom_the_class_did_not_serve(
    ingress_class: Builder[IngressClass], gateway: Builder[Any]
) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(*upserted(gateway, ingress_class, SHOP), Listed(HUB))
        await control.settle()
        await source.say(Deleted(Ref(HUB, "IngressClass", "", "web")))
        await control.settle()
        assert told(control, SHOP) == []

    starting(NEVER, scenario)


def test_a_class_of_an_alb_gateway_is_told_likewise() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        made = SHOP.of_class("alb")
        await source.say(*upserted(alb_gateway("gw"), alb_class("alb"), made), Listed(HUB))
        await control.settle()
        await source.say(Deleted(alb_class("alb").ref()))
        await control.settle()
        assert told(control, made) == [("IngressClassNotFound", "spec.ingressClassName")]

    starting(NEVER, scenario)
