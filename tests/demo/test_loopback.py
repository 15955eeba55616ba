"""Every fleet has a block of loopback addresses to itself, and every Pod an address."""

import contextlib
import socket
from itertools import islice

from fleetgate.demo.loopback import Loopback


def test_addresses_name_member_and_pod() -> None:
    with contextlib.closing(Loopback()) as loopback:
        first = list(islice(loopback.addresses("a"), 3))
        second = list(islice(loopback.addresses("b"), 1))
        assert [address.split(".")[2:] for address in first] == [["1", "1"], ["1", "2"], ["1", "3"]]
        assert [address.split(".")[2:] for address in second] == [["2", "1"]]
        assert list(islice(loopback.addresses("a"), 3)) == first


def test_a_block_is_held_until_closed() -> None:
    with contextlib.closing(Loopback()) as one:
        mine = next(iter(one.addresses("a")))
        with contextlib.closing(Loopback()) as other:
            assert next(iter(other.addresses("a"))) != mine


def test_a_port_stands_for_itself_where_it_can() -> None:
    with contextlib.closing(Loopback()) as loopback, socket.create_server(("127.0.0.1", 0)) as near:
        port = near.getsockname()[1]
        assert loopback.port(port) == port, "another address's listener is in nobody's way"


def test_a_port_taken_on_all_addresses_gets_a_stand_in_that_stays_the_same() -> None:
    with contextlib.closing(Loopback()) as loopback, socket.create_server(("0.0.0.0", 0)) as wide:  # noqa: S104 (that is what is tested)
        port = wide.getsockname()[1]
        stand_in = loopback.port(port)
        assert stand_in != port
        assert stand_in % 10000 == port % 10000, "people can still recognise it"
        assert loopback.port(port) == stand_in
