"""Distinct types for values that look alike, so that the type checker keeps them apart."""

from typing import NewType

Height = NewType("Height", int)
"""Position of a block in the chain; the first is 1."""

Round = NewType("Round", int)
"""Attempt at deciding one height; the first is 0, "none" is -1."""

Hash = NewType("Hash", bytes)
"""32 bytes, SHA-256."""

Address = NewType("Address", bytes)
"""20 bytes: the first bytes of SHA-256 of a validator key (C32)."""

PublicKey = NewType("PublicKey", bytes)
"""32 bytes, Ed25519: validator and node keys."""

TaggedKey = NewType("TaggedKey", bytes)
"""33 bytes, scheme and key (ledger L2): keys of voters, services, operators and agencies."""

Signature = NewType("Signature", bytes)
"""64 bytes, Ed25519."""

PollNumber = NewType("PollNumber", int)
"""Number of a poll on this chain, from 1."""

RollNumber = NewType("RollNumber", int)
"""Number of a roll on this chain, from 1."""

AgencyNumber = NewType("AgencyNumber", int)
"""Number of an agency, from 1, as genesis lists them; one that joins later gets the next."""

ProposalNumber = NewType("ProposalNumber", int)
"""Number of a proposal of governance on this chain, from 1."""

BallotNumber = NewType("BallotNumber", int)
"""Position of an accepted ballot in its poll, from 0."""

TimeNs = NewType("TimeNs", int)
"""Nanoseconds since the Unix epoch, UTC; the precision of headers and precommits (C16)."""

TimeMs = NewType("TimeMs", int)
"""Milliseconds since the Unix epoch, UTC; the precision of poll times."""
