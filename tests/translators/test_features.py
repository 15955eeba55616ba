"""Features are found by the annotations of an Ingress, so that few annotations cost little."""

import pytest

from fleet.ref import Ref
from tests.translators.plans import HIGRESS, MSE, NGINX
from translators.dialects.annotations.feature import Feature, FeatureList, Wanted
from translators.dialects.annotations.reader import Reader
from translators.dialects.mse.features import FEATURES

AT = Ref("", "Ingress", "default", "web")
EACH = pytest.mark.parametrize("feature", [pytest.param(each, id=each.name) for each in FEATURES])


@EACH
def test_every_annotation_finds_its_feature(feature: Feature) -> None:
    features = FeatureList(FEATURES)
    for key in feature.keys:
        for spelling in key.spellings:
            name = f"{spelling}x-stage" if key.family else spelling
            assert feature in tuple(features.of([name]))


@EACH
def test_a_feature_does_nothing_without_its_annotations(feature: Feature) -> None:
    wanted = Wanted()
    reader = Reader(AT, {f"{NGINX}unheard-of": "true"}, (NGINX, MSE, HIGRESS), [f"{MSE}unread"])
    feature.read(reader, wanted)
    assert (wanted, reader.problems) == (Wanted(), [])


def test_features_keep_their_order_and_come_once() -> None:
    names = [spelling for each in reversed(FEATURES) for spelling in each.keys[0].spellings]
    assert tuple(FeatureList(FEATURES).of(names)) == tuple(f for f in FEATURES if f.keys)


def test_annotations_of_others_cost_no_feature() -> None:
    foreign = ["kubectl.kubernetes.io/last-applied-configuration", "cert-manager.io/issuer"]
    assert list(FeatureList(FEATURES).of(foreign)) == []
