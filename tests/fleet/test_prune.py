"""Parts are cut out of a manifest, and the rest keeps the positions that it had."""

from copy import deepcopy

import pytest

from fleet.expectation import Location
from fleet.models import POSITION
from fleet.prune import copy_of, cut, part_around, spell, widen

MANIFEST = {
    "metadata": {"annotations": {"a.io/b": "c"}, "gone": None},
    "spec": {"rules": [{"paths": ["p", "q"]}, {"paths": ["r"]}, {"host": "s"}]},
}


def test_a_copy_is_without_nulls_and_leaves_the_manifest_alone() -> None:
    before = deepcopy(MANIFEST)
    tree = copy_of(MANIFEST)
    assert tree == {"metadata": {"annotations": {"a.io/b": "c"}}, "spec": MANIFEST["spec"]}
    cut(tree, [("spec", "rules", 0)])
    assert before == MANIFEST


@pytest.mark.parametrize(
    ("location", "part"),
    [
        pytest.param(("spec", "rules", 0, "paths", 1), ("spec", "rules", 0, "paths", 1), id="item"),
        pytest.param(("spec", "rules", 0, "host"), ("spec", "rules", 0), id="field-of-an-item"),
        pytest.param(("spec", "rules"), (), id="list"),
        pytest.param(
            ("metadata", "annotations", "a.io/b"),
            ("metadata", "annotations", "a.io/b"),
            id="annotation",
        ),
        pytest.param(("metadata", "annotations"), (), id="all-annotations"),
    ],
)
def test_the_smallest_part_around_a_field(location: Location, part: Location) -> None:
    assert part_around(copy_of(MANIFEST), location) == part


def test_what_is_left_is_named_by_where_it_stood() -> None:
    tree = copy_of(MANIFEST)
    cut(tree, [("spec", "rules", 0, "paths", 0), ("spec", "rules", 1)])
    assert tree["spec"] == {"rules": [{"paths": ["q"]}, {"host": "s", POSITION: 2}]}
    assert spell(tree, ("spec", "rules", 0, "paths", 0)) == "spec.rules[0].paths[1]"
    assert spell(tree, ("spec", "rules", 1, "host")) == "spec.rules[2].host"
    cut(tree, [("spec", "rules", 0)])
    assert spell(tree, ("spec", "rules", 0, "host")) == "spec.rules[2].host"


def test_keys_of_users_are_spelled_in_brackets() -> None:
    location = ("metadata", "annotations", "a.io/b")
    assert spell(copy_of(MANIFEST), location) == "metadata.annotations[a.io/b]"


def test_a_list_of_texts_that_would_be_empty_goes_with_its_holder() -> None:
    paths: Location = ("spec", "rules", 0, "paths")
    tree = copy_of(MANIFEST)
    assert widen(tree, [(*paths, 0)]) == {(*paths, 0): (*paths, 0)}
    both = [(*paths, 0), (*paths, 1)]
    assert widen(tree, both) == dict.fromkeys(both, ("spec", "rules", 0))


def test_a_list_of_objects_may_be_left_empty() -> None:
    rules: list[Location] = [("spec", "rules", i) for i in range(3)]
    assert widen(copy_of(MANIFEST), rules) == {rule: rule for rule in rules}
