"""The signed promise behind 202 "received" (consensus N6): evidence if an agency loses a ballot."""

from dataclasses import dataclass

from mvchain.core import merkle
from mvchain.core.keys import Purpose, SigningKey, verify
from mvchain.core.types import AgencyNumber, Hash, PublicKey, Signature, TimeMs


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A node's signature over the genesis hash, the root of the transactions it received, and the time."""

    agency: AgencyNumber
    time_ms: TimeMs
    hashes: tuple[Hash, ...]
    """Of the transactions, in the order of the request."""
    root: Hash
    """RFC 6962 root over `hashes` (§2.1)."""
    signature: Signature

    def verify(self, genesis_hash: Hash, node_key: PublicKey) -> bool:
        """Whether the holder of `node_key`, which is or was the agency's, gave this promise on this chain."""
        if self.root != merkle.root(self.hashes):
            return False
        message = _message(genesis_hash, self.root, self.time_ms)
        return verify(Purpose.ACKNOWLEDGEMENT, node_key, message, self.signature)


def acknowledge(
    hashes: tuple[Hash, ...], time_ms: TimeMs, agency: AgencyNumber, genesis_hash: Hash, key: SigningKey
) -> Acknowledgement:
    """The promise for `hashes`, signed with the node key; only once the journal with them is synced (N6)."""
    root = merkle.root(hashes)
    signature = key.sign(Purpose.ACKNOWLEDGEMENT, _message(genesis_hash, root, time_ms))
    return Acknowledgement(agency, time_ms, hashes, root, signature)


def _message(genesis_hash: Hash, root: Hash, time_ms: TimeMs) -> bytes:
    return genesis_hash + root + time_ms.to_bytes(8, "big")
