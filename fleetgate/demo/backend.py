"""The process of one Pod: a real HTTP/1.1 server that answers like the documents' web-demo.

    $ python -m fleetgate.demo.backend --address 127.10.1.1 --port 8080 --env cluster1 \\
          --pod web-demo-1 --member c7fb82
    listening on 127.10.1.1:8080

Dozens of these processes start at once, and share two cores with Envoy and its client. So the
module imports little, which starts three times as fast as with asyncio, and makes the bytes of its
answer once. One thread serves all connections by a selector. A connection that does not read its
answer is not served further until it does.
"""

import argparse
import errno
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from enum import Enum, auto

_LARGEST_HEAD = 64 * 1024
_READ = 64 * 1024


class BadRequestError(Exception):
    """The client has sent something that is not HTTP/1.1."""


class _Awaiting(Enum):
    """The part of a request that the next bytes of a connection belong to."""

    HEAD = auto()
    BODY = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    TRAILER = auto()


class Requests:
    """Finds the end of each request on a connection. It skips bodies without keeping them."""

    def __init__(self) -> None:
        self._held = b""
        self._awaiting = _Awaiting.HEAD
        self._left = 0
        self._method = self._path = b""
        self._last = False

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
        """Yield each complete request's method and path, and whether its answer is the last one."""
        self._held += data
        while self._advance():
            if self._awaiting is _Awaiting.HEAD:
                yield self._method, self._path, self._last

    def _advance(self) -> bool:
        """Take one element off the bytes held. Return False where it is not complete yet."""
        match self._awaiting:
            case _Awaiting.BODY | _Awaiting.CHUNK:
                return self._skip()
            case _Awaiting.HEAD:
                end = self._held.find(b"\r\n\r\n")
                if end < 0:
                    if len(self._held) > _LARGEST_HEAD:
                        raise BadRequestError
                    return False
                head, self._held = self._held[:end], self._held[end + 4 :]
                self._begin(head)
            case _Awaiting.CHUNK_SIZE | _Awaiting.TRAILER:
                end = self._held.find(b"\r\n")
                if end < 0:
                    return False
                line, self._held = self._held[:end], self._held[end + 2 :]
                if self._awaiting is _Awaiting.TRAILER:
                    self._awaiting = _Awaiting.TRAILER if line else _Awaiting.HEAD
                elif size := _number(line.partition(b";")[0], 16):
                    self._awaiting, self._left = _Awaiting.CHUNK, size + 2
                else:
                    self._awaiting = _Awaiting.TRAILER
        return True

    def _skip(self) -> bool:
        taken = min(self._left, len(self._held))
        self._held = self._held[taken:]
        self._left -= taken
        if self._left:
            return False
        body = self._awaiting is _Awaiting.BODY
        self._awaiting = _Awaiting.HEAD if body else _Awaiting.CHUNK_SIZE
        return True

    def _begin(self, head: bytes) -> None:
        line, *fields = head.split(b"\r\n")
        words = line.split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            raise BadRequestError
        self._method, self._path, self._last = words[0], words[1], words[2] == b"HTTP/1.0"
        self._awaiting = _Awaiting.HEAD
        for field in fields:
            name, _, value = field.partition(b":")
            match name.lower():
                case b"content-length":
                    self._left = _number(value.strip(), 10)
                    self._awaiting = _Awaiting.BODY if self._left else _Awaiting.HEAD
                case b"transfer-encoding" if b"chunked" in value.lower():
                    self._awaiting = _Awaiting.CHUNK_SIZE
                case b"connection":
                    self._last = b"close" in value.lower()


def _number(text: bytes, base: int) -> int:
    try:
        value = int(text, base)
    except ValueError:
        raise BadRequestError from None
    if value < 0:
        raise BadRequestError
    return value


class Answers:
    """Makes the answers of this Pod, as bytes. `x-path` is the path that the Pod was asked for."""

    def __init__(self, env: str, pod: str, member: str) -> None:
        self._body = f"This is env {env} !\nConfig file is\n".encode()
        self._head = (
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"x-pod: {pod}\r\nx-member: {member}\r\ncontent-length: {len(self._body)}\r\nx-path: "
        ).encode()

    def to(self, method: bytes, path: bytes, *, last: bool) -> bytes:
        """Return the answer to one request. `last` says that the connection closes after it."""
        close = b"connection: close\r\n" if last else b""
        body = b"" if method == b"HEAD" else self._body
        return self._head + path + b"\r\n" + close + b"\r\n" + body

    def to_all(self, requests: Iterator[tuple[bytes, bytes, bool]]) -> tuple[bytes, bool]:
        """Return the answers to all complete requests, and whether the connection then closes."""
        answers = b""
        try:
            for method, path, last in requests:
                answers += self.to(method, path, last=last)
                if last:
                    return answers, True
        except BadRequestError:
            refusal = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            return answers + refusal, True
        return answers, False


class Connection:
    """One client's connection."""

    def __init__(self, link: socket.socket, answers: Answers) -> None:
        self.link = link
        self._answers = answers
        self._requests = Requests()
        self._unsent = b""
        self._last = False

    def turn(self) -> int:
        """Read and write without waiting. Return the events to wait for, 0 at the end."""
        try:
            if not self._unsent:
                data = self.link.recv(_READ)
                if not data:
                    return 0
                self._unsent, self._last = self._answers.to_all(self._requests.feed(data))
            if self._unsent:
                self._unsent = self._unsent[self.link.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            return 0
        if self._unsent:
            return selectors.EVENT_WRITE
        return 0 if self._last else selectors.EVENT_READ


def listen(address: str, port: int) -> socket.socket:
    """Open a listening socket. Raises OSError."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
    return listener


def serve(listeners: Sequence[socket.socket], answers: Answers, *, until_eof: bool) -> None:
    """Answer until a signal ends the process, or standard input ends."""
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            selector.register(listener, selectors.EVENT_READ)
        if until_eof:
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if isinstance(key.data, Connection):
                    events = key.data.turn()
                    if not events:
                        selector.unregister(key.fileobj)
                        key.data.link.close()
                    elif events != key.events:
                        selector.modify(key.fileobj, events, key.data)
                elif isinstance(key.fileobj, socket.socket):
                    _accept(key.fileobj, selector, answers)
                elif not os.read(sys.stdin.fileno(), _READ):
                    return


def _accept(listener: socket.socket, selector: selectors.BaseSelector, answers: Answers) -> None:
    try:
        link, _ = listener.accept()
    except OSError:  # the client has gone already
        return
    link.setblocking(False)  # noqa: FBT003 (the standard library's own signature)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(link, selectors.EVENT_READ, Connection(link, answers))


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the options of a Pod's process, which are the same whatever it speaks."""
    parser = argparse.ArgumentParser(
        prog="python -m fleetgate.demo.backend",
        description="Answer HTTP like the documents' web-demo: one Pod of the demo.",
    )
    parser.add_argument("--address", required=True, help="the Pod's own address, as 127.10.1.1")
    parser.add_argument(
        "--port", required=True, type=int, action="append", help="may be given more than once"
    )
    parser.add_argument("--env", default="", help="ENV_NAME, as the answer shows it")
    parser.add_argument("--pod", default="", help="the Pod's name, shown in x-pod")
    parser.add_argument("--member", default="", help="the member's ID, shown in x-member")
    parser.add_argument(
        "--until-eof",
        action="store_true",
        help="end when standard input does, so that the process never outlives who started it",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one Pod. Return 2 where the process cannot listen on its address."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_DFL)
    arguments = read_arguments(argv)
    listeners = []
    for port in arguments.port:
        try:
            listeners.append(listen(arguments.address, port))
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, "error")
            print(  # noqa: T201 (this is a program)
                f"cannot listen on {arguments.address}:{port}: {error.strerror} ({reason})",
                file=sys.stderr,
            )
            return 2
    names = ["{}:{}".format(*listener.getsockname()) for listener in listeners]
    print("listening on", *names, flush=True)  # noqa: T201 (this is a program)
    answers = Answers(arguments.env, arguments.pod, arguments.member)
    serve(listeners, answers, until_eof=arguments.until_eof)
    return 0


if __name__ == "__main__":
    sys.exit(main())
