"""Limits of the public API (security LIM01-LIM12, consensus N10); an operator may change `ApiLimits`."""

from dataclasses import dataclass

from mvchain.core.limits import MAX_TRANSACTION_BYTES

MAX_BATCH = 1_000
"""Transactions of one request (LIM08)."""
PAGE = 30
MAX_PAGE = 100
"""Polls of one page of the list, unasked and at most (LIM09)."""
MAX_WAIT_S = 10
"""Longest wait for a commit (LIM10); then the transaction is still received and says so."""
RETRY_AFTER_S = 1
"""What a refusal for want of room asks for where nothing better is known: a few blocks."""
FILLING_STEPS_PER_S = 100
"""Blocks a second that a node fills in below the snapshot it joined by, roughly: for saying when to ask again."""


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """What one listener allows: times in seconds, sizes in bytes. Behind a proxy raise `per_address`."""

    header_s: float = 5.0
    """From the connection, or the first byte of a later request, to the end of its headers (LIM03)."""
    body_s: float = 10.0
    """From the end of the headers to the end of the body (LIM04)."""
    idle_s: float = 15.0
    """From an answer to the next request on the connection (LIM05)."""
    answer_s: float = 10.0
    """For the node to answer, and for the client to take a part of the answer that counts (LIM06)."""
    min_bytes_per_s: int = 1_000
    """Slowest body, and slowest taking of an answer, after `slow_start_s` (LIM04)."""
    slow_start_s: float = 1.0
    """How long a body may take before its rate counts."""
    linger_s: float = 2.0
    """How long the rest of a refused body is read, so that the client sees the refusal and not a reset."""
    max_body: int = 1_000_000
    """LIM01; one transaction has its own bound, MAX_TRANSACTION_BYTES."""
    max_line: int = 4_096
    max_headers: int = 64
    """LIM02."""
    connections: int = 900
    per_address: int = 32
    """LIM07; an IPv6 address counts with its /64."""
    max_unsent: int = 128 * 1024 * 1024
    """Bytes of answers that clients have not taken, of all connections together; a block has up to 6 MB as JSON."""
    max_bodies: int = 256 * 1024 * 1024
    """Bytes of bodies that are being read or worked on, of all connections together; all of LIM07 could else hold
    900 MB of LIM01 (H21)."""
    read_share: float = 0.3
    """Part of the event loop's time that reads may take (N10)."""
    watch_share: float = 0.05
    """The same for the watchdog's paths, about 300 requests a second."""
    read_queue_s: float = 0.5
    """How long a read waits for its share before it is refused (N10)."""

    def __post_init__(self) -> None:
        assert 0 < self.read_share < 1, self.read_share
        assert 0 < self.watch_share < 1, self.watch_share
        assert self.max_body >= MAX_TRANSACTION_BYTES, self.max_body
