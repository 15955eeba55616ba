"""No attack ends fleetgate, or keeps others from being served.

A new attack is a function of a Target, and a line in ATTACKS. One that needs another fleet than the
directory of `directory_rig` makes a Rig of its own, and calls `withstands` with it.
"""

from pathlib import Path

import pytest

from tests.hostile import admin, answers, handshakes, members, objects, requests
from tests.hostile.hub import hub_rig
from tests.hostile.rig import Attack, directory_rig, withstands
from tests.hostile.stream import ALIVE
from tests.support.kube import Clusters

_TURN = 10.0
"""Seconds that a change may wait for a turn with ten thousand objects."""

_ENDED = "^ended: (RESOURCE_EXHAUSTED|INTERNAL: Internal error from Core)"

ATTACKS = (
    Attack("half-handshakes", handshakes.half_handshakes, "served", tls=True),
    Attack("open-handshakes", handshakes.open_handshakes, "served", tls=True),
    Attack(
        "connections-that-say-nothing",
        handshakes.connections_that_say_nothing,
        "^2[0-9]{2} kept",
        tls=True,
        files=512,
    ),
    Attack("all-come-back-at-once", handshakes.reconnecting_together, "served", tls=True),
    Attack("renewed-meanwhile", handshakes.renewed_meanwhile, "served", tls=True),
    Attack("names-given-up", requests.names_given_up, ALIVE),
    Attack("names-again-and-again", requests.names_again_and_again, ALIVE),
    Attack("more-names-than-allowed", requests.more_names_than_allowed, _ENDED),
    Attack("other-names-without-end", requests.other_names_without_end, _ENDED),
    Attack("all-name-all-at-once", requests.all_at_once, ALIVE, memory=600),
    Attack("versions-of-everything", requests.versions_of_everything, ALIVE),
    Attack("large-requests", requests.large_requests, _ENDED),
    Attack("large-requests-compressed", requests.large_requests_in_a_small_space, _ENDED),
    Attack("long-type-urls", requests.long_type_urls, _ENDED, memory=64),
    Attack("long-node-ids", requests.long_node_ids, _ENDED),
    Attack("refusals-without-end", answers.refusals_without_end, ALIVE),
    Attack("tiny-requests-without-end", answers.tiny_requests_without_end, ALIVE),
    Attack("many-streams", answers.many_streams, ALIVE, memory=400),
    Attack(
        "too-many-streams",
        answers.streams_beyond_those_allowed,
        # The client's gRPC library has several texts for a stream that the server refuses.
        f"{ALIVE}|REFUSED|code 7|Internal error from Core",
    ),
    Attack("streams-that-come-and-go", answers.streams_that_come_and_go, ALIVE),
    Attack("slow-requests", admin.slow_requests, "^[0-9]{1,3} kept"),
    Attack("nobody-reads", answers.nobody_reads, ALIVE),
    Attack("many-paths", objects.many_paths, "ServiceNotFound TooManyRules", wait=_TURN),
    Attack("many-hosts", objects.many_hosts, "ServiceNotFound TooManyRules", wait=_TURN),
    Attack(
        "many-backends",
        objects.many_backends,
        "ForeignService ServiceNotFound TooManyRules",
        wait=_TURN,
    ),
    Attack(
        "many-ingresses-of-a-host",
        objects.many_ingresses_of_a_host,
        "Conflict ServiceNotFound TooManyCanaries TooManyPatterns",
        wait=_TURN,
    ),
    Attack("many-endpoints", objects.many_endpoints, "^$", memory=500, wait=_TURN),
)

BY_MEMBERS = (
    Attack(
        "lists-without-end", members.lists_without_end, "64 MiB in one answer MemberUnreachable"
    ),
    Attack(
        "pages-without-end", members.pages_without_end, "2000 pages of [a-z0-9.]+ MemberUnreachable"
    ),
    Attack(
        "lines-without-end",
        members.lines_without_end,
        "4 MiB in one line of a watch MemberUnreachable",
    ),
    Attack("events-without-end", members.events_without_end, "^reachable"),
    Attack("drips", members.drips, "^unread:  MemberUnreachable"),
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in ATTACKS])
def test_fleetgate_withstands(attack: Attack, tmp_path: Path) -> None:
    with directory_rig(tmp_path, tls=attack.tls, files=attack.files) as rig:
        withstands(attack, rig)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack.name) for attack in BY_MEMBERS])
def test_fleetgate_withstands_a_member(attack: Attack, clusters: Clusters, tmp_path: Path) -> None:
    with hub_rig(clusters.hub, tmp_path) as rig:
        withstands(attack, rig)
