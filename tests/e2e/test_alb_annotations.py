"""Annotations of ALB: what a client and a Pod see through a real Envoy."""

import asyncio
import json
from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.annotated import WAYS, Annotated, Feature, Seen, all_hosts, annotated
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress
from tests.translators.alb_rules import ALB
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.model.bounds import MAX_CONDITION_TEXT, MAX_MATCHED

pytestmark = pytest.mark.usefixtures("real_envoy")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Annotated]]:
    trusting = {TRUSTED_PROXIES: "127.0.0.0/8"}
    root = tmp_path_factory.mktemp("alb")
    with standing(annotated(root, trusting, replicas=2, flavour="alb")) as site:
        yield site


def declare(
    site: Standing[Annotated],
    name: str,
    annotations: Mapping[str, object],
    to: str = "main:80",
    path: str = "",
) -> Feature:
    """Declare an Ingress. Values of annotations that are no texts are written as JSON."""
    spelt = {
        ALB + key: value if isinstance(value, str) else json.dumps(value)
        for key, value in annotations.items()
    }
    paths = [(path, "Prefix")] if path else []
    return site.run(site.value.declare(name, spelt, paths, canary={}, to=to))


def ask(
    site: Standing[Annotated],
    feature: Feature,
    way: str,
    path: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    canary: bool = False,
) -> Seen:
    asked = feature.ask(
        way, f"/{feature.name}{path}", headers=headers, method=method, canary=canary
    )
    return site.run(asked)


def condition(kind: str, **config: object) -> dict[str, object]:
    return {"type": kind, f"{kind}Config": config}


def pair(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


@pytest.mark.parametrize("way", WAYS)
def test_conditions_decide_about_requests(site: Standing[Annotated], way: str) -> None:
    feature = declare(
        site,
        f"asked-{way}",
        {
            "conditions.main": [
                condition("Header", key="Stage", values=["gray", "beta-?"]),
                condition("QueryString", values=[pair("v", "2"), pair("w", "a b*")]),
                condition("Cookie", values=[pair("k", "1"), pair("l", "*2*")]),
                condition("Method", values=["GET", "HEAD"]),
                condition("SourceIp", values=["10.1.0.0/16", "2001:db8::/32"]),
            ]
        },
    )
    met = {"stage": "gray", "cookie": "k=1", "x-forwarded-for": "10.1.2.3"}
    assert ask(site, feature, way, "?v=2", headers=met).pod.startswith("main")
    for path, headers in (
        ("?v=2", {**met, "stage": "beta-1"}),
        ("?w=a+b", met),
        ("?w=a%20bcd", met),
        ("?v=2", {**met, "cookie": "x=y; l=123"}),
        ("?v=2", {**met, "x-forwarded-for": "2001:db8::1"}),
    ):
        assert ask(site, feature, way, path, headers=headers).answer.status == 200, (path, headers)
    for path, headers in (
        ("?v=3", met),
        ("", met),
        ("?v=2", {**met, "stage": "beta-12"}),
        ("?v=2", {**met, "stage": "x" * 600}),
        ("?v=2", {**met, "cookie": "k=2"}),
        ("?v=2", {**met, "x-forwarded-for": "10.2.0.1"}),
        ("?v=2", {**met, "x-forwarded-for": "10.1.2.3, 10.2.0.1"}),
    ):
        assert ask(site, feature, way, path, headers=headers).answer.status == 404, (path, headers)
    assert ask(site, feature, way, "?v=2", headers=met, method="POST").answer.status == 404
    assert ask(site, feature, way, "?v=2", headers=met, canary=True).pod.startswith("canary")


def test_envoy_takes_the_longest_values_of_conditions(site: Standing[Annotated]) -> None:
    count = MAX_CONDITION_TEXT // MAX_MATCHED
    values = [f"{n}".rjust(MAX_MATCHED, "!") for n in range(count)]
    narrowed = condition("QueryString", values=[pair("v", value) for value in values])
    feature = declare(site, "longest", {"conditions.main": [narrowed]})
    for value in (values[-1], values[-1].replace("!", "%21")):
        assert ask(site, feature, "exact", f"?v={value}").answer.status == 200
    assert ask(site, feature, "exact", f"?v={values[-1]}!").answer.status == 404


def action(kind: str, **config: object) -> dict[str, object]:
    """Make an action; the names of fields begin with a small letter."""
    field = {"ForwardGroup": "forward"}.get(kind, kind[0].lower() + kind[1:])
    return {"type": kind, f"{field}Config": config}


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_fails_the_conditions_goes_on_to_the_next_rule(
    site: Standing[Annotated], way: str
) -> None:
    name = f"next-{way}"
    inner = condition("SourceIp", values=["10.7.0.0/16"])
    tea = action("FixedResponse", httpCode=418, content="tea")
    annotations = {"conditions.inner": [inner], "actions.inner": [tea]}
    made = all_hosts(
        ingress(f"{name}-inner"), name, [(f"/{name}", "Prefix")], "inner:use-annotation"
    )
    texts = {ALB + key: json.dumps(value) for key, value in annotations.items()}
    site.value.rig.declare(f"{name}-inner.yaml", made.annotate(texts).of_class("alb"))
    feature = declare(site, name, {})
    seen = ask(site, feature, way, headers={"x-forwarded-for": "10.7.0.1"})
    assert (seen.answer.status, seen.answer.body, seen.pod) == (418, b"tea", "")
    assert dict(seen.answer.headers)["content-type"] == "text/plain"
    seen = ask(site, feature, way, headers={"x-forwarded-for": "10.8.0.1"})
    assert (seen.answer.status, seen.pod[:4]) == (200, "main")


def test_hosts_and_paths_of_conditions(site: Standing[Annotated]) -> None:
    host = condition("Host", values=["further.test", "*.wild.test"])
    path = condition("Path", values=["/places/exact", "/places/any/*", "~*^/places/[0-9]+"])
    declare(site, "places-of", {"conditions.main": [host, path]})
    for name in ("further", "a.wild"):
        there = Feature(site.value, name)
        for found in ("/places/exact", "/places/any/1", "/PLACES/12", "/places-of"):
            assert site.run(there.ask("exact", found)).answer.status == 200, (name, found)
        assert site.run(there.ask("exact", "/places/other")).answer.status == 404


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("config", "ends"),
    [
        pytest.param({"path": "/new", "httpCode": "302"}, "{host}/new?q=1", id="path"),
        pytest.param({"path": "/v2${path}"}, "{host}/v2/{name}/x?q=1", id="in-front"),
        pytest.param({"path": "/new", "query": "a=b"}, "{host}/new?a=b", id="path-and-query"),
        pytest.param({"query": "a=b"}, "{host}/{name}/x?a=b", id="query"),
        pytest.param({"query": ""}, "{host}/{name}/x", id="no-query"),
        pytest.param({"host": "new.test"}, "new.test/{name}/x?q=1", id="host"),
        pytest.param(
            {"protocol": "HTTPS", "host": "new.test", "port": "8443"},
            "https://new.test:8443/{name}/x?q=1",
            id="whole",
        ),
    ],
)
def test_redirects(
    site: Standing[Annotated],
    way: str,
    config: dict[str, str],
    ends: str,
    request: pytest.FixtureRequest,
) -> None:
    name = f"to-{request.node.callspec.id}"
    away = action("Redirect", **config)
    feature = declare(site, name, {"actions.away": [away]}, "away:use-annotation")
    seen = ask(site, feature, way, "/x?q=1")
    host = WAYS[way][1].format(name)
    assert seen.answer.status == int(config.get("httpCode", 301))
    expected = ends.format(host=host, name=name)
    assert dict(seen.answer.headers)["location"].removeprefix("http://") == expected


@pytest.mark.parametrize("way", WAYS)
def test_requests_are_changed_before_they_are_forwarded(
    site: Standing[Annotated], way: str
) -> None:
    feature = declare(
        site,
        f"changed-{way}",
        {
            "actions.main": [
                action("InsertHeader", key="X-Set", value="50 % {new}"),
                action("InsertHeader", key="x-default", value="ours", coverEnabled=False),
                action("RemoveHeader", key="x-debug"),
                action("Rewrite", host="inner.test", path="/v2${path}"),
            ]
        },
    )
    headers = {"x-set": "old", "x-default": "theirs", "x-debug": "1"}
    request = ask(site, feature, way, "/a?q=1", headers=headers).request
    assert request is not None
    assert request.path == f"/v2/{feature.name}/a?q=1"
    assert request.headers["host"] == "inner.test"
    assert request.headers["x-set"] == "50 % {new}"
    assert request.headers["x-default"] == "theirs"
    assert "x-debug" not in request.headers
    request = ask(site, feature, way).request
    assert request is not None
    assert request.headers["x-default"] == "ours"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("query", "path", "got"),
    [
        pytest.param("a=1&b=2", "", "/{name}/x?a=1&b=2", id="another"),
        pytest.param("a=1", "/v2${path}", "/v2/{name}/x?a=1", id="beside-a-path"),
        pytest.param("", "", "/{name}/x", id="none"),
    ],
)
def test_a_request_gets_another_query(
    site: Standing[Annotated], way: str, query: str, path: str, got: str
) -> None:
    config = {"query": query} | ({"path": path} if path else {})
    name = f"query-{way}-{len(query)}"
    feature = declare(site, name, {"actions.main": [action("Rewrite", **config)]})
    for asked in ("/x?q=1&a=9", "/x?", "/x"):
        request = ask(site, feature, way, asked).request
        assert request is not None
        assert request.path == got.format(name=feature.name)


@pytest.mark.parametrize("way", WAYS)
def test_another_query_chooses_no_other_route(site: Standing[Annotated], way: str) -> None:
    name = f"query-chosen-{way}"
    other = all_hosts(
        ingress(f"{name}-other"), name, [(f"/{name}", "Prefix")], "other:use-annotation"
    )
    texts = {
        "conditions.other": [condition("QueryString", values=[pair("x", "1")])],
        "actions.other": [action("FixedResponse", httpCode=418, content="tea")],
    }
    spelt = {ALB + key: json.dumps(value) for key, value in texts.items()}
    site.value.rig.declare(f"{name}-other.yaml", other.annotate(spelt).of_class("alb"))
    narrowed = {
        "conditions.main": [condition("QueryString", values=[pair("v", "2")])],
        "actions.main": [action("Rewrite", query="x=1")],
    }
    feature = declare(site, name, narrowed)
    seen = ask(site, feature, way, "?v=2")
    assert (seen.answer.status, seen.pod[:4]) == (200, "main")
    assert seen.request is not None
    assert seen.request.path == f"/{name}?x=1"
    assert ask(site, feature, way, "?x=1").answer.status == 418


@pytest.mark.parametrize("way", WAYS)
def test_a_group_of_services_gets_requests_by_weight(site: Standing[Annotated], way: str) -> None:
    groups = [
        {"serviceName": "main", "servicePort": 80, "weight": 50},
        {"serviceName": "canary", "servicePort": 80, "weight": 50},
        {"serviceName": "nobody", "servicePort": 80, "weight": 100},
    ]
    annotations = {"actions.split": [action("ForwardGroup", serverGroups=groups)]}
    feature = declare(site, f"split-{way}", annotations, "split:use-annotation")
    pods = {ask(site, feature, way).pod.partition("-")[0] for _ in range(40)}
    assert pods == {"main", "canary"}, "a Service without Pods gives its share to the others"


@pytest.mark.parametrize("way", WAYS)
def test_a_canary_has_headers_of_its_own_and_the_rest_of_its_main(
    site: Standing[Annotated], way: str
) -> None:
    name = f"acting-{way}"
    header = action("InsertHeader", key="x-release", value="gray")
    gray = json.dumps([header, action("Rewrite", path="/lost")])
    main = {f"{ALB}actions.main": json.dumps([action("Rewrite", path="/kept${path}")])}
    canary = {f"{ALB}actions.canary": gray}
    feature = site.run(site.value.declare(name, main, canary=canary))
    for to_canary, release in ((True, "gray"), (False, None)):
        request = ask(site, feature, way, canary=to_canary).request
        assert request is not None
        assert (request.path, request.headers.get("x-release")) == (f"/kept/{name}", release)


@pytest.mark.parametrize("way", WAYS)
def test_a_mirror_gets_copies(site: Standing[Annotated], way: str) -> None:
    config = {"serverGroupTuples": [{"serviceName": "canary", "servicePort": 80}]}
    copy = action("TrafficMirror", targetType="ForwardGroupMirror", mirrorGroupConfig=config)
    feature = declare(site, f"copied-{way}", {"actions.main": [copy]})
    assert ask(site, feature, way).answer.status == 200
    pods = [pod for name, pod in site.value.pods.items() if name.startswith("canary")]
    path = f"/{feature.name}"

    async def one_of_them() -> None:
        asked = [asyncio.ensure_future(pod.has_been_asked(path)) for pod in pods]
        _, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()

    site.run(one_of_them())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by", ["action", "annotations"])
def test_limits(site: Standing[Annotated], way: str, by: str) -> None:
    spelt: dict[str, object] = {"traffic-limit-qps": "3", "traffic-limit-ip-qps": "1"}
    if by == "action":
        spelt = {"actions.main": [action("TrafficLimit", QPS="3", QPSPerIp="1")]}
    feature = declare(site, f"limited-{by}-{way}", spelt)
    statuses = [
        ask(site, feature, way, headers={"x-forwarded-for": "10.1.1.1"}).answer.status
        for _ in range(30)
    ]
    assert {200, 429} == set(statuses)


@pytest.mark.parametrize("way", WAYS)
def test_a_client_keeps_its_pod(site: Standing[Annotated], way: str) -> None:
    feature = declare(site, f"kept-{way}", {"sticky-session": "true", "cookie-timeout": "60"})
    first = ask(site, feature, way)
    cookie = dict(first.answer.headers)["set-cookie"]
    assert cookie.startswith("SERVERID=")
    assert "Max-Age=60" in cookie
    back = {"cookie": cookie.partition(";")[0]}
    assert {ask(site, feature, way, headers=back).pod for _ in range(8)} == {first.pod}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheduler", ["sch", "uch"])
def test_equal_requests_go_to_one_pod(site: Standing[Annotated], way: str, scheduler: str) -> None:
    annotations = {"backend-scheduler": scheduler, "backend-scheduler-uch-value": "user"}
    feature = declare(site, f"hashed-{scheduler}-{way}", annotations)
    headers = {"x-forwarded-for": "10.1.1.1"}
    pods = {ask(site, feature, way, "?user=me", headers=headers).pod for _ in range(8)}
    assert len(pods) == 1


@pytest.mark.parametrize("way", WAYS)
def test_regexes_and_rewrites(site: Standing[Annotated], way: str) -> None:
    name = f"regex-{way}"
    spelt = {"use-regex": "true", "rewrite-target": "/new/${2}"}
    feature = declare(site, name, spelt, path=f"/{name}/(v[0-9])/(.*)")
    seen = ask(site, feature, way, "/V1/x?q=1")
    assert seen.request is not None
    assert seen.request.path == "/new/x?q=1"
    assert ask(site, feature, way, "/w1/x").answer.status == 404


@pytest.mark.parametrize("way", WAYS)
def test_a_smaller_order_is_asked_first(site: Standing[Annotated], way: str) -> None:
    name = f"first-{way}"
    made = all_hosts(ingress(f"{name}-all"), name, [(f"/{name}", "Prefix")], "canary:80")
    first = made.annotate({f"{ALB}order": "1"}).of_class("alb")
    site.value.rig.declare(f"{name}-all.yaml", first)
    feature = declare(site, name, {}, path=f"/{name}/longer")
    assert ask(site, feature, way, "/longer").pod.startswith("canary")


@pytest.mark.parametrize("way", WAYS)
def test_port_80_redirects_to_https(site: Standing[Annotated], way: str) -> None:
    feature = declare(site, f"secure-{way}", {"ssl-redirect": "true"})
    seen = ask(site, feature, way, "/a?q=1")
    host = WAYS[way][1].format(feature.name)
    assert seen.answer.status == 308
    location = dict(seen.answer.headers)["location"]
    assert location.lower() == f"https://{host}/{feature.name}/a?q=1".lower()
    proxied = ask(site, feature, way, headers={"x-forwarded-proto": "https"})
    assert proxied.answer.status == 200, "a proxy that ended TLS asks again, and gets no loop"


@pytest.mark.parametrize("way", WAYS)
def test_cors(site: Standing[Annotated], way: str) -> None:
    spelt = {"enable-cors": "true", "cors-allow-origin": "https://a.test"}
    feature = declare(site, f"origin-{way}", spelt)
    answer = ask(site, feature, way, headers={"origin": "https://a.test"}).answer
    assert dict(answer.headers)["access-control-allow-origin"] == "https://a.test"
    preflight = {"origin": "https://a.test", "access-control-request-method": "PUT"}
    answer = ask(site, feature, way, headers=preflight, method="OPTIONS").answer
    assert dict(answer.headers)["access-control-max-age"] == "172800"


@pytest.mark.parametrize("way", WAYS)
def test_headers_of_answers(site: Standing[Annotated], way: str) -> None:
    said = {"type": "ResponseHeader", "responseHeaderConfig": {"key": "x-kind", "values": ["a*"]}}
    good = {"type": "ResponseStatusCode", "responseStatusCodeConfig": {"values": ["200", "201"]}}
    feature = declare(
        site,
        f"answered-{way}",
        {
            "rule-direction.main": "Response",
            "conditions.main": [said, good],
            "actions.main": [
                action("InsertHeader", key="x-new", value="50 %"),
                action("InsertHeader", key="x-kept", value="ours", coverEnabled=False),
                action("RemoveHeader", key="x-gone"),
            ],
        },
    )
    pods = [pod for name, pod in site.value.pods.items() if name.startswith("main")]
    try:
        for kind, changed in (("abc", True), ("b", False)):
            for pod in pods:
                pod.headers = (("x-kind", kind), ("x-kept", "theirs"), ("x-gone", "1"))
            headers = dict(ask(site, feature, way).answer.headers)
            assert headers["x-kept"] == "theirs"
            assert headers.get("x-new") == ("50 %" if changed else None)
            assert ("x-gone" in headers) is not changed
    finally:
        for pod in pods:
            pod.headers = ()


MAGIC = "^%a.(b)[c]+-$"


@pytest.mark.parametrize(
    ("value", "alike", "other"),
    [
        pytest.param("exact", ["exact"], ["exactly", "inexact", "Exact"], id="exact"),
        pytest.param("pre*", ["pre", "prefix"], ["apre", "pr"], id="prefix"),
        pytest.param("*fix", ["fix", "suffix", "fixfix"], ["fixed", "ix"], id="suffix"),
        pytest.param("*", ["a", "x" * 512], ["x" * 513], id="any"),
        pytest.param("ab*yz", ["abyz", "abcyz", "abyzyz"], ["abcyzd", "cabyz"], id="middle"),
        pytest.param("aba*aba", ["abaaba", "aba-aba"], ["aba", "ababa"], id="overlap"),
        pytest.param("a?c", ["abc", "a.c", "a?c"], ["ac", "abbc"], id="one"),
        pytest.param("?a*b?", ["xabx", "?a-b?"], ["abx", "xab", "xa"], id="one-and-any"),
        pytest.param(MAGIC, [MAGIC], ["a.(b)[c]+-", f"{MAGIC}$", "^%ax(b)[c]+-$"], id="magic"),
        pytest.param(f"{MAGIC}*{MAGIC}", [MAGIC * 2, f"{MAGIC}x{MAGIC}"], [MAGIC], id="magics"),
        pytest.param("%d+*", ["%d+", "%d+1"], ["1", "11"], id="class"),
    ],
)
def test_values_of_headers_of_answers(
    request: pytest.FixtureRequest,
    site: Standing[Annotated],
    value: str,
    alike: list[str],
    other: list[str],
) -> None:
    said = {"type": "ResponseHeader", "responseHeaderConfig": {"key": "x-kind", "values": [value]}}
    annotations = {
        "rule-direction.main": "Response",
        "conditions.main": [said],
        "actions.main": [action("InsertHeader", key="x-met", value="yes")],
    }
    feature = declare(site, f"of-{request.node.callspec.id}", annotations)
    pods = [pod for name, pod in site.value.pods.items() if name.startswith("main")]
    try:
        for kind in (*alike, *other):
            for pod in pods:
                pod.headers = (("x-kind", kind),)
            headers = dict(ask(site, feature, "exact").answer.headers)
            assert (headers.get("x-met") == "yes") is (kind in alike), kind
    finally:
        for pod in pods:
            pod.headers = ()
