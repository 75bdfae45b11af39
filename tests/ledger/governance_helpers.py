"""Agencies that govern their chain, for tests: who signs which block, proposals, approvals, entries, new keys."""

from collections.abc import Iterable

from mvchain.core.types import AgencyNumber, ProposalNumber, PublicKey
from mvchain.ledger.genesis import GenesisAgency, make_entry
from mvchain.ledger.outcome import Outcome
from mvchain.ledger.proposals import AddAgency, GovernanceAction, NewKey, Proposal, ReplaceKeys, encode_action
from mvchain.ledger.registration import registration_proof
from mvchain.ledger.transactions import GovernanceApprove, GovernancePropose, GovernanceWithdraw, Role, Transaction
from tests.ledger.state_helpers import World, key_of


class Council(World):
    """Agency n signs with the key `agency<n>` and validates with `validator<n>`, unless it got others."""

    def __init__(self, agencies: int = 4, *, approvals: int = 1) -> None:
        super().__init__(agencies=agencies, approvals=approvals)
        self.bosses = {n: f"agency{n}" for n in range(1, agencies + 1)}
        self.validators: dict[PublicKey, str] = {}
        self.dead: set[str] = set()
        """Validator keys that sign nothing."""
        for n in range(1, agencies + 1):
            self._know(f"validator{n}")

    def _know(self, name: str) -> None:
        self.validators[key_of(name).public] = name

    # --- blocks ---

    def height(self, *txs: Transaction, after_ms: int = 1) -> Outcome:
        """A block on one that everybody alive in its set has signed."""
        at = self.state.height
        members = [self.validators[v.public_key] for v in self.state.validators_at(at)] if at else []
        return self.block(*txs, after_ms=after_ms, signed=[name for name in members if name not in self.dead])

    def heights(self, count: int) -> None:
        for _ in range(count):
            self.height()

    # --- governance ---

    def proposing(self, agency: int, action: GovernanceAction) -> Transaction:
        boss = self.bosses[agency]
        return self.tx(GovernancePropose(self.next_sequence(boss), encode_action(action)), boss)

    def approving(self, agency: int, proposal: int) -> Transaction:
        boss = self.bosses[agency]
        return self.tx(GovernanceApprove(self.next_sequence(boss), ProposalNumber(proposal)), boss)

    def withdrawing(self, agency: int, proposal: int) -> Transaction:
        boss = self.bosses[agency]
        return self.tx(GovernanceWithdraw(self.next_sequence(boss), ProposalNumber(proposal)), boss)

    def next_sequence(self, boss: str) -> int:
        found = self.state.signer(key_of(boss).tagged)
        return found[1].sequence + 1 if found else 1

    def decide(self, action: GovernanceAction, by: Iterable[int] | None = None) -> Outcome:
        """Propose and approve by just enough agencies in force; the block that executes it."""
        present = [agency.number for agency in self.state.agencies if agency.in_force]
        first, *others = list(by) if by is not None else present[: 2 * len(present) // 3 + 1]
        self.height(self.proposing(first, action))
        number = self.state.proposal_count
        return self.height(*(self.approving(other, number) for other in others))

    def proposal(self, number: int) -> Proposal:
        found = self.state.proposal(ProposalNumber(number))
        assert found is not None
        return found

    # --- entries and keys ---

    def entry(self, number: int, *, suffix: str = "") -> GenesisAgency:
        """Of a new agency; its keys are known here from now on."""
        names = {role: f"{role}{number}{suffix}" for role in ("agency", "validator", "node")}
        self.bosses[number] = names["agency"]
        self._know(names["validator"])
        return make_entry(
            "test",
            AgencyNumber(number),
            (f"기관 {number}", f"Agency {number}"),
            agency_key=key_of(names["agency"]),
            validator_key=key_of(names["validator"]),
            node_key=key_of(names["node"]),
        )

    def addition(self, number: int, *, suffix: str = "") -> AddAgency:
        return AddAgency(self.entry(number, suffix=suffix))

    def replacement(
        self, agency: int, *, boss: str | None = None, validator: str | None = None, node: str | None = None
    ) -> ReplaceKeys:
        """Of an agency's keys by those with these names, each proven by itself."""
        if validator is not None:
            self._know(validator)

        def new(name: str | None, role: Role) -> NewKey | None:
            if name is None:
                return None
            key = key_of(name)
            return NewKey(key.tagged, registration_proof(key, self.genesis.hash, AgencyNumber(agency), role))

        number = AgencyNumber(agency)
        return ReplaceKeys(number, new(boss, Role.AGENCY), new(validator, Role.VALIDATOR), new(node, Role.NODE))
