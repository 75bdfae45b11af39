"""Proofs of keys that are registered or take the place of others (security ED03).

The key itself signs

    "mvchain.register.v1\\0" || genesis hash (32) || agency number (4, big-endian) || role (1) || key (33)

so that nobody registers a key that is not theirs to give, and a proof serves one agency, in one role, on one chain.
It needs no counter: a key is registered once and never again.
"""

from mvchain.core.keys import Purpose, SigningKey, verify_tagged
from mvchain.core.types import AgencyNumber, Hash, Signature, TaggedKey
from mvchain.ledger.transactions import Role


def registration_proof(key: SigningKey, genesis_hash: Hash, agency: AgencyNumber, role: Role) -> Signature:
    """What the owner of a key hands to the agency that is to register it in this role."""
    return key.sign(Purpose.REGISTRATION, _registration_bytes(genesis_hash, agency, role, key.tagged))


def verify_registration(key: TaggedKey, proof: Signature, genesis_hash: Hash, agency: AgencyNumber, role: Role) -> bool:
    """Whether the key signed that this agency of this chain may register it in this role."""
    return verify_tagged(Purpose.REGISTRATION, key, _registration_bytes(genesis_hash, agency, role, key), proof)


def _registration_bytes(genesis_hash: Hash, agency: AgencyNumber, role: Role, key: TaggedKey) -> bytes:
    return genesis_hash + agency.to_bytes(4, "big") + bytes((role,)) + key
