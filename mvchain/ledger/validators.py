"""The validator set of one height: who may sign, with what power, in which order (C32–C37, C80).

A validator's index in a commit is its rank in the order of C35, so every reader of a commit goes through the
set; nothing looks a signer up by the address that an untrusted commit names (ATK01).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mvchain.core import codes, limits, merkle
from mvchain.core.errors import BadProof
from mvchain.core.hashing import sha256
from mvchain.core.proto import bytes_field, message_field, varint_field
from mvchain.core.types import Address, Hash, Height, PublicKey, Round

ADDRESS_BYTES = 20
PUBLIC_KEY_BYTES = 32
MAX_TOTAL_POWER = ((1 << 63) - 1) // 8
"""Sums of powers times three stay inside 64 bits for every client (C37)."""


def address_of(public_key: PublicKey) -> Address:
    """The 20-byte address of a 32-byte Ed25519 key (C32)."""
    return Address(sha256(public_key)[:ADDRESS_BYTES])


@dataclass(frozen=True, slots=True)
class Validator:
    """One signer. The address is derived from the key, never taken from elsewhere (ATK13).

    Raises:
        BadProof: the key has not 32 bytes, or the power is not between 1 and the limit of C37.
    """

    public_key: PublicKey
    power: int = limits.VALIDATOR_POWER
    address: Address = field(init=False)

    def __post_init__(self) -> None:
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise BadProof(codes.VALIDATOR_KEY_LENGTH, size=len(self.public_key))
        if not 0 < self.power <= MAX_TOTAL_POWER:
            raise BadProof(codes.VALIDATOR_POWER, power=self.power, limit=MAX_TOTAL_POWER)
        object.__setattr__(self, "address", address_of(self.public_key))

    def encode(self) -> bytes:
        """SimpleValidator, the leaf of the set hash (C33, C34): key and power, not the address."""
        return message_field(1, bytes_field(1, self.public_key)) + varint_field(2, self.power)


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """The signers of one height, kept in the order of C35 whatever order they were given in.

    The empty set is a value (its hash is E, C36) that reaches no quorum and has no proposer.

    Raises:
        BadProof: more validators than MAX_VALIDATORS, one twice, or a total power beyond C37.
    """

    validators: tuple[Validator, ...]
    total_power: int = field(init=False)
    hash: Hash = field(init=False)
    """Root over the validators (C36), the header's validators_hash."""
    _index: dict[Address, int] = field(init=False, repr=False, compare=False)
    _rotation: tuple[Validator, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.validators) > limits.MAX_VALIDATORS:
            raise BadProof(codes.TOO_MANY_VALIDATORS, count=len(self.validators), limit=limits.MAX_VALIDATORS)
        ordered = tuple(sorted(self.validators, key=lambda v: (-v.power, v.address)))
        index: dict[Address, int] = {}
        for i, validator in enumerate(ordered):
            if index.setdefault(validator.address, i) != i:
                raise BadProof(codes.VALIDATOR_TWICE, address=validator.address.hex())
        total = sum(validator.power for validator in ordered)
        if total > MAX_TOTAL_POWER:
            raise BadProof(codes.VALIDATOR_POWER, power=total, limit=MAX_TOTAL_POWER)
        object.__setattr__(self, "validators", ordered)
        object.__setattr__(self, "total_power", total)
        object.__setattr__(self, "hash", merkle.root([validator.encode() for validator in ordered]))
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "_rotation", tuple(sorted(ordered, key=lambda v: v.address)))

    def __len__(self) -> int:
        return len(self.validators)

    def __iter__(self) -> Iterator[Validator]:
        return iter(self.validators)

    def __getitem__(self, index: int) -> Validator:
        return self.validators[index]

    def __hash__(self) -> int:
        return hash(self.validators)

    def by_address(self, address: Address) -> tuple[int, Validator] | None:
        """The index and validator with this address; None for a stranger."""
        index = self._index.get(address)
        return None if index is None else (index, self.validators[index])

    def power_within(self, others: "ValidatorSet") -> int:
        """Power of those who are in the other set as well."""
        shared = self._index.keys() & others._index.keys()
        return sum(self.validators[self._index[address]].power for address in shared)

    def proposer(self, height: Height, round_: Round, initial_height: Height = Height(1)) -> Validator:  # noqa: B008
        """Whose turn it is (C80): round robin by address; asked only for heights and rounds that exist."""
        assert height >= initial_height
        assert round_ >= 0
        return self._rotation[(height - initial_height + round_) % len(self._rotation)]

    def has_quorum(self, power: int) -> bool:
        """Whether `power` is strictly more than two thirds of the total, in integers (N1, C87)."""
        return 3 * power > 2 * self.total_power
