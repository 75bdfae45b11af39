"""The validator sets of all heights, as the tenures in the records of the agencies say (ledger L4, C69).

Everything about the sets is thus in the app hash. A change that block H brings about holds from height H+2 on,
so the sets are known two heights ahead.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from mvchain.core.types import Address, AgencyNumber, Height
from mvchain.ledger.records import Agency
from mvchain.ledger.validators import Validator, ValidatorSet, address_of


class ValidatorSets:
    """Derived from the records of all agencies, made anew when a tenure changes."""

    def __init__(self, agencies: Iterable[Agency]) -> None:
        self._tenures = [tenure for agency in agencies for tenure in agency.tenures]
        self.agencies: dict[Address, AgencyNumber] = {}
        """Whose validator keys are or were, by address."""
        self.unproven: dict[Address, AgencyNumber] = {}
        """The same, of the keys alone that have not signed a block yet."""
        for agency in agencies:
            for tenure in agency.tenures:
                address = address_of(tenure.validator_key)
                self.agencies[address] = agency.number
                if not tenure.proven:
                    self.unproven[address] = agency.number
        joined: defaultdict[Height, set[bytes]] = defaultdict(set)
        left: defaultdict[Height, set[bytes]] = defaultdict(set)
        for tenure in self._tenures:
            joined[tenure.from_height].add(tenure.validator_key)
            if tenure.until_height:
                left[tenure.until_height].add(tenure.validator_key)
        # No key ever comes back, so what joins and leaves at one height is a tenure of no height at all.
        self._starts = sorted(height for height in joined.keys() | left.keys() if joined[height] != left[height])
        self._made: dict[int, ValidatorSet] = {}

    @property
    def changes(self) -> tuple[Height, ...]:
        """The heights, ascending, from which the set is another than at the height before; 1 is none of them."""
        return tuple(self._starts[1:])

    def at(self, height: Height) -> ValidatorSet:
        """The set of a height; the empty one of height 0, which nobody signs."""
        index = bisect_right(self._starts, height)
        found = self._made.get(index)
        if found is None:
            validators = (Validator(t.validator_key) for t in self._tenures if t.holds_at(height))
            found = self._made[index] = ValidatorSet(tuple(validators))
        return found


def with_proof(agency: Agency, address: Address) -> Agency:
    """The agency once a precommit of this validator of its own stood in a block's last commit."""
    tenures = tuple(
        replace(tenure, proven=True) if address_of(tenure.validator_key) == address else tenure
        for tenure in agency.tenures
    )
    return replace(agency, tenures=tenures)
