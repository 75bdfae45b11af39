"""One HTTP exchange with a node that may be hostile, on the standard library alone.

Bounded in every direction: the answer in bytes before it is taken, the exchange in time from its first byte to its
last, however slowly they drip. No redirect is followed, no proxy asked, nothing but http and https spoken.
"""

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from mvchain.core import codes
from mvchain.core.errors import BadConfiguration, BadRequest

DEADLINE_S = 5.0
"""For one exchange, as CometBFT's client gives it (C139), or for all that one light block takes. Only the look-up of a
name has the system's own."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node answers."""

    url: str
    """As the user wrote it, without a slash at its end."""
    secure: bool
    host: str
    port: int
    prefix: str
    """Of every path: "" unless a proxy serves the node under a path of its own."""


def parse_address(url: str) -> Address:
    """Read the address of a node.

    Raises:
        BadConfiguration: it is not one of http or https, or says more than host, port and path.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
        host.encode("idna")
        if not host or parts.username is not None or parts.query or parts.fragment or not url.isprintable():
            raise ValueError
    except (ValueError, KeyError):
        raise BadConfiguration(codes.BAD_NODE_ADDRESS, url=url) from None
    return Address(url.rstrip("/"), parts.scheme == "https", host, port, parts.path.rstrip("/"))


def exchange(
    address: Address,
    method: str,
    path: str,
    max_bytes: int,
    *,
    body: bytes | None = None,
    accept: str | None = None,
    deadline: "Deadline | None" = None,
) -> tuple[int, bytes]:
    """Status and body of the answer to one request; it blocks until `deadline`, or else for DEADLINE_S, at most.

    Raises:
        BadRequest: SERVER_UNREACHABLE if there is no answer in time, ANSWER_TOO_LARGE.
    """
    headers = {"Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if accept is not None:
        headers["Accept"] = accept
    deadline = deadline or Deadline()
    try:
        with _connect(address, deadline) as connection:
            protocol = http.client.HTTPConnection(address.host, address.port)
            protocol.sock = _TimedSocket(connection, deadline)
            protocol.request(method, address.prefix + path, body, headers)
            response = protocol.getresponse()
            answer = response.read(max_bytes + 1)
    except TimeoutError:
        why = f"it took longer than {DEADLINE_S:g} s"
        raise BadRequest(codes.SERVER_UNREACHABLE, url=address.url, why=why) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise BadRequest(codes.SERVER_UNREACHABLE, url=address.url, why=why) from error
    if len(answer) > max_bytes:
        raise BadRequest(codes.ANSWER_TOO_LARGE, url=address.url, limit=max_bytes)
    return response.status, answer


class Deadline:
    """A moment until which everything has to be done, DEADLINE_S from now."""

    def __init__(self) -> None:
        self._at = time.monotonic() + DEADLINE_S

    def remaining_s(self) -> float:
        """More than nothing; raises TimeoutError once it has passed."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _connect(address: Address, deadline: Deadline) -> socket.socket:
    """A connection, encrypted where the address asks for it; tries each address of the host in turn."""
    failure = OSError("the name has no address")
    for family, kind, protocol, _, place in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(deadline.remaining_s())
            connection.connect(place)
            if not address.secure:
                return connection
            connection.settimeout(deadline.remaining_s())
            return ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
        except OSError as error:
            connection.close()
            failure = error
    raise failure


class _TimedSocket:
    """What http.client uses of a socket, with one deadline for all of it rather than one for each piece."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        """Sends everything."""
        self._connection.settimeout(self._deadline.remaining_s())
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """To read the answer from."""
        return io.BufferedReader(_TimedReader(self._connection, self._deadline))

    def close(self) -> None:
        """Nothing: http.client closes before the answer is read, as a socket counts its readers; we close ours."""


class _TimedReader(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the name that io uses for any buffer
        self._connection.settimeout(self._deadline.remaining_s())
        return self._connection.recv_into(buffer)
