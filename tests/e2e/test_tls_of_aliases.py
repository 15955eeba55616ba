"""A further name of a host is served by https too, and takes no host of others."""

from collections.abc import Iterator

import pytest

from fleet.ref import HUB
from fleetgate.demo.http import Question
from tests.e2e.rig import ask_once
from tests.e2e.secured import Secured, is_refused, secured
from tests.e2e.standing import Standing, standing
from tests.translators.plans import NGINX

NAMES = {f"{NGINX}server-alias": "alias.test, rest.test", f"{NGINX}from-to-www-redirect": "true"}
HTTPS = {f"{NGINX}force-ssl-redirect": "true"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Secured]]:
    with standing(secured(tmp_path_factory.mktemp("aliases"))) as site:
        declare(site.value, "web", "web.test", "alias.test")
        site.run(site.value.rig.sync())
        yield site


def declare(secure: Secured, name: str, host: str, *hosts: str) -> None:
    made = secure.ingress(host, name, host, *hosts).annotate({**NAMES, **HTTPS})
    names = (host, f"www.{host}", "alias.test", "rest.test")
    secure.rig.declare(f"{name}.yaml", made, secure.secret(name, *names))


@pytest.mark.parametrize("name", ["alias.test", "rest.test"])
def test_an_alias_has_a_certificate_and_stays_where_it_is(
    site: Standing[Secured], name: str
) -> None:
    """One of them is in the entry of its host, the other one in none."""
    assert site.run(site.value.ask(name, "/a")).body == b"web"
    in_clear = site.run(ask_once(site.value.http, Question("/a", name)))
    assert (in_clear.status, in_clear.headers["location"]) == (308, f"https://{name}/a")


def test_the_other_spelling_is_redirected_over_https(site: Standing[Secured]) -> None:
    answer = site.run(site.value.ask("www.web.test", "/a"))
    assert (answer.status, answer.headers["location"]) == (308, "https://web.test/a")


def test_an_alias_gives_no_certificate_to_a_host_that_rules_name(site: Standing[Secured]) -> None:
    secure = site.value
    made = secure.ingress("rest.test", "none", "elsewhere.test")
    secure.rig.declare("rest.yaml", made)
    site.run(secure.rig.sync())
    assert site.run(is_refused(secure, "rest.test"))
    (secure.rig.fleet.directory(HUB) / "rest.yaml").unlink()
    site.run(secure.rig.sync())
    assert site.run(secure.ask("rest.test", "/a")).body == b"web"
