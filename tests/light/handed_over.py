"""Receipts that other validators signed than those of genesis, and handovers that do not hold (ledger L10).

One table for all who verify: the Python verifier (test_handovers) and the page's (tests/page).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mvchain.core import codes, merkle, strict_json
from mvchain.core.errors import Cause
from mvchain.core.keys import SigningKey
from mvchain.core.limits import MAX_HANDOVERS
from mvchain.core.types import Height, PublicKey
from mvchain.ledger.blocks import Header, results_hash
from mvchain.ledger.validators import Validator
from mvchain.light.blocks import LightBlock
from mvchain.light.documents import BriefCommit, Precommit
from mvchain.light.handovers import Handover, quorum_of, way_from_genesis
from mvchain.light.proofs import Acceptance, PollProof, Superseded
from mvchain.light.receipts import OpenReceipt
from tests.light.bad_forms import Step, rewritten, written_so
from tests.light.forgeries import ATTACKER, CHAIN, RECEIPT, SAME_AGENCIES, Forgery, changed_at, values_in
from tests.light.helpers import HEIGHT, Chain, resigned, seeded
from tests.light.light_chain import KEYS, KeysAt, LightChain, Signers, extend, in_order, set_of, sign
from tests.light.polls import POLL, RECORD, RESULTS, acceptance, path_of, signed, state_with, superseded

GENESIS = CHAIN.genesis
SIGNED = HEIGHT + 1
"""Height of the header that the receipts' commits sign."""


def later(*numbers: int) -> list[SigningKey]:
    """Keys of agencies that are not in genesis, or not yet."""
    return [seeded(f"later validator {number}") for number in numbers]


def sets_from(*changes: tuple[int, Iterable[SigningKey]]) -> KeysAt:
    """Who signs at which height: each set from its height on, those of genesis before."""

    def keys_at(height: int) -> Signers:
        return next((in_order(keys) for start, keys in reversed(changes) if start <= height), KEYS)

    return keys_at


NEW = later(*range(8))
A, B, C, D = KEYS
HISTORIES: dict[str, KeysAt] = {
    "one joined": sets_from((11, (*KEYS, NEW[0]))),
    "one joined, another left": sets_from((11, (*KEYS, NEW[0])), (21, (B, C, D, NEW[0]))),
    "one key replaced": sets_from((11, (A, B, C, NEW[0]))),
    "two keys replaced": sets_from((11, (A, B, C, NEW[0])), (12, (A, B, *NEW[:2]))),
    "all keys replaced, one by one": sets_from(
        (11, (NEW[0], B, C, D)), (15, (*NEW[:2], C, D)), (16, (*NEW[:3], D)), (40, NEW[:4])
    ),
    "half replaced at once": sets_from((11, (A, B, *NEW[:2]))),
    "all replaced at once": sets_from((11, NEW[:4])),
    "seven members, five of them new": sets_from((8, (*KEYS, *NEW[:3])), (20, (A, B, *NEW[:5]))),
    "changed in the block before": sets_from((SIGNED, (A, B, C, NEW[0]))),
    "back to genesis, then one replaced": sets_from((8, (A, B, *NEW[:2])), (20, KEYS), (30, (A, B, C, NEW[3]))),
    "back to an earlier set": sets_from((8, (A, B, *NEW[:2])), (20, NEW[2:6]), (30, (A, B, *NEW[:2]))),
    "back to an earlier set, and on": sets_from(
        (8, NEW[:4]), (12, NEW[4:]), (16, NEW[2:6]), (20, NEW[:4]), (24, (A, B, *NEW[6:]))
    ),
}


@dataclass(frozen=True)
class HandedOver:
    """A chain whose set changes, and its receipt at `HEIGHT`."""

    chain: LightChain
    keys_at: KeysAt

    @property
    def keys(self) -> Signers:
        """Who signs the header of the receipt."""
        return self.keys_at(SIGNED)

    @property
    def changes(self) -> Sequence[LightBlock]:
        """The last block of each set that another one followed."""
        return [block for block in self.chain.blocks if changes_after(block)]

    def way_to(self, header: Header) -> tuple[Handover, ...]:
        """As a node makes it."""
        blocks = {block.height: block for block in self.changes if block.height < header.height}
        sets = {height: block.validators for height, block in blocks.items()}
        return way_from_genesis(GENESIS, header, sets, blocks.__getitem__)

    def signed(self, receipt: OpenReceipt, signers: Iterable[int] | None = None) -> OpenReceipt:
        """The receipt with the true set, signed by just enough of it, or by these."""
        if signers is None:
            signers = range(len(self.keys) * 2 // 3 + 1)
        members = set_of(self.keys)
        header = replace(receipt.next_header, validators_hash=members.hash, next_validators_hash=members.hash)
        listed = tuple(one.public_key for one in members)
        named = replace(receipt, next_header=header, validators=listed)
        return resigned(Chain(GENESIS, tuple(self.keys)), named, signers)

    def receipt(self, signers: Iterable[int] | None = None) -> OpenReceipt:
        """A good one."""
        made = self.signed(RECEIPT, signers)
        return replace(made, handovers=self.way_to(made.next_header))

    def proof(self) -> PollProof:
        """That a ballot was superseded: its acceptance is of height 21, its end of the height of the receipts."""
        state = state_with(RECORD.encode())
        in_store, in_state = state.prove("polls", POLL)
        header, commit, listed, handovers = self._signed_at(SIGNED, app_hash=state.app_hash)
        then, *of_then = self._signed_at(21, last_results_hash=results_hash(RESULTS))
        genuine = acceptance(2)
        signers = of_then[1:] if of_then[1] != listed else ((), ())
        accepted = Acceptance(genuine.path, genuine.units, then, of_then[0], *signers)
        return PollProof(
            chain_id=GENESIS.chain_id,
            header=header,
            commit=commit,
            validators=listed,
            poll=POLL,
            record=RECORD.encode(),
            record_path=path_of(in_store.proof),
            store_path=path_of(in_state.proof),
            claim=replace(superseded(2), accepted=accepted),
            handovers=handovers,
        )

    def _signed_at(
        self, height: int, **changes: object
    ) -> tuple[Header, BriefCommit, tuple[PublicKey, ...], tuple[Handover, ...]]:
        keys = self.keys_at(height)
        members = set_of(keys)
        header = replace(self.chain[min(height, len(self.chain))].header, height=Height(height), **changes)  # type: ignore[arg-type]
        header = replace(header, validators_hash=members.hash, next_validators_hash=members.hash)
        commit = signed(Chain(GENESIS, tuple(keys)), header, range(len(keys) * 2 // 3 + 1))
        return header, commit, tuple(one.public_key for one in members), self.way_to(header)


def changes_after(block: LightBlock) -> bool:
    """Whether another set signs the next block."""
    return block.header.validators_hash != block.header.next_validators_hash


@cache
def handed_over(history: str) -> HandedOver:
    keys_at = HISTORIES[history]
    return HandedOver(extend(LightChain(GENESIS, ()), SIGNED - 1, keys_at), keys_at)


def shown(block: LightBlock, *signers: int) -> Handover:
    """A block as a handover, with the signatures of these, or of a quorum of its set."""
    commit = quorum_of(block.commit, block.validators)
    if signers:
        entries = [(index, block.commit.signatures[index]) for index in signers]
        chosen = tuple(Precommit(index, entry.time_ns, entry.signature) for index, entry in entries)
        commit = replace(commit, signatures=chosen)
    return Handover(block.header, commit, tuple(one.public_key for one in block.validators))


def of_genesis(block: LightBlock) -> Handover:
    """The same with the signatures of all its members that are in genesis."""
    known = [at for at, member in enumerate(block.validators) if set_of(KEYS).by_address(member.address)]
    return shown(block, *known)


# --- forgeries ---

ONE_BY_ONE = handed_over("all keys replaced, one by one")
GOOD = ONE_BY_ONE.receipt()
WAY = GOOD.handovers
HALF = handed_over("half replaced at once")
REPLACED = handed_over("one key replaced")
ATTACKERS = in_order(ATTACKER.keys)


def with_way(*way: Handover, receipt: OpenReceipt = GOOD) -> OpenReceipt:
    return replace(receipt, handovers=way)


def forged(header: Header, keys: Signers, marks: str | None = None, **changes: Any) -> Handover:
    """A handover of the attacker's own making: another header, signed by these."""
    return shown(sign(replace(header, validators_hash=set_of(keys).hash, **changes), keys, marks))


def to_attackers(*way: Handover) -> OpenReceipt:
    """A receipt that the attacker's validators signed, all of them, behind this way."""
    return with_way(*way, receipt=HandedOver(LightChain(GENESIS, ()), lambda _: ATTACKERS).signed(RECEIPT))


THEIRS = set_of(ATTACKERS).hash


def doubled() -> Handover:
    """Signed by A, A and B, as a set that lists A twice: three of three, and three of the trusted four."""
    first, second = in_order((A, B))
    listed = (first.public, first.public, second.public)
    members_hash = merkle.root([Validator(key).encode() for key in listed])
    header = replace(FIRST.header, validators_hash=members_hash, next_validators_hash=THEIRS)
    one, two = sign(header, (first,)), sign(header, (second,))
    entries = (one.commit.signatures[0], one.commit.signatures[0], two.commit.signatures[0])
    chosen = tuple(Precommit(at, entry.time_ns, entry.signature) for at, entry in enumerate(entries))
    commit = BriefCommit(one.commit.round, one.commit.block_id.parts, chosen)
    return Handover(header, commit, listed)


FIRST = HALF.changes[0]
"""Block 10, after which half of the members are others."""
MADE: dict[str, tuple[Callable[[], OpenReceipt], Cause]] = {
    # steps that are not there
    "no handovers": (with_way, codes.RECEIPT_VALIDATORS),
    "the last handover missing": (lambda: with_way(*WAY[:-1]), codes.RECEIPT_VALIDATORS),
    "the first handover missing": (lambda: with_way(*WAY[1:]), codes.HANDOVER_NOT_TRUSTED),
    "a handover in the middle missing": (lambda: with_way(WAY[0], WAY[-1]), codes.HANDOVER_NOT_TRUSTED),
    # sets that nobody handed over to
    "to a set that nobody named": (lambda: to_attackers(*WAY), codes.RECEIPT_VALIDATORS),
    "to a set that names itself": (
        lambda: to_attackers(forged(FIRST.header, ATTACKERS, next_validators_hash=set_of(NEW[:4]).hash)),
        codes.HANDOVER_NOT_TRUSTED,
    ),
    "to a set put into a true header": (
        lambda: to_attackers(
            replace(shown(FIRST), header=replace(FIRST.header, next_validators_hash=THEIRS)),
        ),
        codes.COMMIT_SIGNATURE,
    ),
    "signed by the attacker's set under the names of the true one": (
        lambda: to_attackers(
            replace(
                forged(FIRST.header, ATTACKERS, next_validators_hash=THEIRS),
                header=replace(FIRST.header, next_validators_hash=THEIRS),
                validators=shown(FIRST).validators,
            )
        ),
        codes.COMMIT_SIGNATURE,
    ),
    "to a set named by one of four": (
        lambda: to_attackers(forged(FIRST.header, KEYS, "caaa", next_validators_hash=THEIRS)),
        codes.RECEIPT_NO_QUORUM,
    ),
    "to a set named by two of four": (
        lambda: to_attackers(forged(FIRST.header, KEYS, "caca", next_validators_hash=THEIRS)),
        codes.RECEIPT_NO_QUORUM,
    ),
    "skipped to a set with one of the trusted four": (
        lambda: to_attackers(
            forged(FIRST.header, in_order((A, *ATTACKERS[:2])), next_validators_hash=THEIRS),
        ),
        codes.HANDOVER_NOT_TRUSTED,
    ),
    "skipped to a set with two of the trusted four": (
        lambda: to_attackers(forged(FIRST.header, in_order((A, B, ATTACKERS[0])), next_validators_hash=THEIRS)),
        codes.HANDOVER_NOT_TRUSTED,
    ),
    "skipped to a set that only names three of the trusted four": (
        lambda: to_attackers(
            forged(
                FIRST.header,
                in_order((A, B, C, *ATTACKERS)),
                "".join("c" if key in ATTACKERS or key is A else "a" for key in in_order((A, B, C, *ATTACKERS))),
                next_validators_hash=THEIRS,
            )
        ),
        codes.HANDOVER_NOT_TRUSTED,
    ),
    "signed for another chain of these agencies": (
        lambda: to_attackers(
            replace(
                shown(
                    sign(
                        replace(FIRST.header, chain_id=SAME_AGENCIES.genesis.chain_id, next_validators_hash=THEIRS),
                        KEYS,
                    )
                ),
                header=replace(FIRST.header, next_validators_hash=THEIRS),
            )
        ),
        codes.COMMIT_SIGNATURE,
    ),
    "prevotes for a handover": (
        lambda: to_attackers(shown(sign(replace(FIRST.header, next_validators_hash=THEIRS), KEYS, kind=1))),
        codes.COMMIT_SIGNATURE,
    ),
    # the order
    "handovers in another order": (lambda: with_way(*WAY[::-1]), codes.HANDOVER_NOT_TRUSTED),
    "a handover twice": (lambda: with_way(WAY[0], *WAY), codes.HANDOVER_ORDER),
    "a handover of a lower height": (
        lambda: with_way(
            shown(FIRST), forged(FIRST.header, KEYS, next_validators_hash=THEIRS, height=Height(9)), receipt=GOOD
        ),
        codes.HANDOVER_ORDER,
    ),
    "a handover behind the receipt": (
        lambda: with_way(shown(sign(replace(FIRST.header, height=Height(SIGNED)), KEYS)), receipt=HALF.signed(RECEIPT)),
        codes.HANDOVER_ORDER,
    ),
    # more than is needed
    "a change that the next block covers": (
        lambda: with_way(shown(ONE_BY_ONE.changes[0]), of_genesis(ONE_BY_ONE.changes[1]), *WAY[1:]),
        codes.HANDOVER_SUPERFLUOUS,
    ),
    "handovers to the set of genesis": (
        lambda: with_way(
            *map(shown, handed_over("back to genesis, then one replaced").changes[:2]),
            receipt=RECEIPT,
        ),
        codes.HANDOVER_SUPERFLUOUS,
    ),
    "a handover from the set of genesis for itself": (
        lambda: with_way(shown(FIRST), receipt=RECEIPT),
        codes.HANDOVER_SUPERFLUOUS,
    ),
    "round about to a set that was named already": (
        lambda: with_way(
            *map(shown, handed_over("back to an earlier set").changes),
            receipt=handed_over("back to an earlier set").receipt(),
        ),
        codes.HANDOVER_SUPERFLUOUS,
    ),
    "round about to a set that a handover needs": (
        lambda: with_way(
            *map(shown, handed_over("back to an earlier set, and on").changes),
            receipt=handed_over("back to an earlier set, and on").receipt(),
        ),
        codes.HANDOVER_SUPERFLUOUS,
    ),
    "round about to the set of genesis": (
        lambda: with_way(
            *map(shown, handed_over("back to genesis, then one replaced").changes),
            receipt=handed_over("back to genesis, then one replaced").receipt(),
        ),
        codes.HANDOVER_SUPERFLUOUS,
    ),
    "a block where nothing changes": (
        lambda: with_way(shown(ONE_BY_ONE.chain[5]), *WAY),
        codes.HANDOVER_TO_NOBODY,
    ),
    "all signatures": (
        lambda: with_way(shown(FIRST, 0, 1, 2, 3), receipt=HALF.receipt()),
        codes.RECEIPT_TOO_MANY_SIGNERS,
    ),
    "a signature twice": (lambda: with_way(shown(FIRST, 0, 1, 1), receipt=HALF.receipt()), codes.RECEIPT_SIGNERS),
    "signatures in another order": (
        lambda: with_way(shown(FIRST, 0, 2, 1), receipt=HALF.receipt()),
        codes.RECEIPT_SIGNERS,
    ),
    # whom the blocks list
    "the listed set in another order": (
        lambda: with_way(replace(shown(FIRST), validators=shown(FIRST).validators[::-1]), receipt=HALF.receipt()),
        codes.HANDOVER_VALIDATORS,
    ),
    "a member of the listed set twice": (
        lambda: with_way(
            replace(shown(FIRST), validators=(*shown(FIRST).validators[:3], shown(FIRST).validators[2])),
            receipt=HALF.receipt(),
        ),
        codes.HANDOVER_VALIDATORS,
    ),
    "a handover without members": (
        lambda: with_way(replace(shown(FIRST), validators=()), receipt=HALF.receipt()),
        codes.HANDOVER_VALIDATORS,
    ),
    "a handover that lists the attacker's set": (
        lambda: with_way(
            replace(shown(FIRST), validators=tuple(key.public for key in ATTACKERS)), receipt=HALF.receipt()
        ),
        codes.HANDOVER_VALIDATORS,
    ),
    "the receipt lists the set of genesis": (
        lambda: replace(GOOD, validators=RECEIPT.validators),
        codes.RECEIPT_VALIDATORS,
    ),
    "the receipt lists a key that is none": (
        lambda: replace(GOOD, validators=(*GOOD.validators[:3], PublicKey(bytes(32)))),
        codes.RECEIPT_VALIDATORS,
    ),
    "two members who list one of them twice": (
        lambda: to_attackers(doubled()),
        codes.HANDOVER_VALIDATORS,
    ),
    # the end
    "signed by others in the name of the new set": (
        lambda: replace(
            resigned(Chain(GENESIS, tuple(ATTACKERS)), ONE_BY_ONE.signed(RECEIPT), (0, 1, 2)), handovers=WAY
        ),
        codes.COMMIT_SIGNATURE,
    ),
    "signed by those who were there before": (
        lambda: replace(resigned(CHAIN, RECEIPT, (0, 1, 2)), handovers=WAY),
        codes.RECEIPT_VALIDATORS,
    ),
    "signed by two of the new four": (
        lambda: replace(ONE_BY_ONE.signed(RECEIPT, (0, 1)), handovers=WAY),
        codes.RECEIPT_NO_QUORUM,
    ),
    "signed by all of the new four": (
        lambda: replace(ONE_BY_ONE.signed(RECEIPT, range(4)), handovers=WAY),
        codes.RECEIPT_TOO_MANY_SIGNERS,
    ),
}

EXPECTED: dict[str, Cause] = {
    "header.validators_hash": codes.HANDOVER_VALIDATORS,
    "header": codes.COMMIT_SIGNATURE,
    "commit": codes.COMMIT_SIGNATURE,
    "validators": codes.HANDOVER_VALIDATORS,
}


def changed_values() -> Iterator[Forgery]:
    """Every value of a handover changed: of one signed by three of its four, and behind which the set is named."""
    file = HALF.receipt().encode()
    for path in values_in(json.loads(file)["handovers"]):
        whole: Step = ("handovers", *path)
        inner = ".".join(map(str, path[1:]))
        cause = next(cause for beginning, cause in EXPECTED.items() if inner.startswith(beginning))
        if inner.startswith("commit.signatures") and path[-1] == 0:
            cause = codes.COMMIT_SIGNATURE if path[-2] == 2 else codes.RECEIPT_SIGNERS
        if inner == "header.next_validators_hash":
            cause = codes.RECEIPT_VALIDATORS
        yield Forgery(f"{'.'.join(map(str, whole))} changed", changed_at(file, whole), cause)


def other_forms() -> Iterator[Forgery]:
    """Handovers that are written otherwise than in their one form, and too many of them."""
    file, plain = GOOD.encode(), RECEIPT.encode()
    one = strict_json.canonical(json.loads(file)["handovers"][0]).decode()

    def empty(content: dict[str, Any]) -> None:
        content["handovers"] = []

    yield Forgery("handovers that are none", rewritten(plain, empty), codes.NOT_CANONICAL)
    for name, raw, cause in (
        ("null", "null", codes.MALFORMED_RECEIPT),
        ("an object", "{}", codes.MALFORMED_RECEIPT),
        ("of numbers", "[1]", codes.MALFORMED_RECEIPT),
        ("with a member too many", f'[{one[:-1]},"x":1}}]', codes.NOT_CANONICAL),
        ("with one more than there may be", f"[{','.join([one] * (MAX_HANDOVERS + 1))}]", codes.MALFORMED_RECEIPT),
        ("as many as there may be, all the same", f"[{','.join([one] * MAX_HANDOVERS)}]", codes.HANDOVER_ORDER),
    ):
        yield Forgery(f"handovers {name}", written_so(file, ("handovers",), raw), cause)
    for member in ("header", "commit", "validators"):
        content = json.loads(file)
        del content["handovers"][0][member]
        yield Forgery(f"a handover without {member}", strict_json.canonical(content), codes.MALFORMED_RECEIPT)


def acceptances() -> Iterator[Forgery]:
    """Proofs whose acceptance names another set than the one that signed it, or the proof's own once more."""
    same, other = handed_over("one joined").proof(), handed_over("changed in the block before").proof()

    def accepted(proof: PollProof, **changes: Any) -> bytes:
        assert isinstance(proof.claim, Superseded)
        claim = replace(proof.claim, accepted=replace(proof.claim.accepted, **changes))
        return replace(proof, claim=claim).encode()

    twice = accepted(same, validators=same.validators, handovers=same.handovers)
    yield Forgery("the set of the proof once more", twice, codes.NOT_CANONICAL)
    without_way = accepted(same, validators=same.validators)
    yield Forgery("the set of the proof once more, without its way", without_way, codes.NOT_CANONICAL)
    yield Forgery("no set for the acceptance", accepted(other, validators=()), codes.RECEIPT_VALIDATORS)
    wrong = accepted(other, validators=RECEIPT.validators, handovers=other.handovers)
    yield Forgery("a way for the acceptance where none is needed", wrong, codes.HANDOVER_ORDER)
    content = json.loads(same.encode())
    content["claim"]["accepted"]["handovers"] = content["handovers"]
    yield Forgery("a way for the acceptance without a set", strict_json.canonical(content), codes.NOT_CANONICAL)


@cache
def handover_forgeries() -> tuple[Forgery, ...]:
    """All of the above."""
    made = [Forgery(name, make().encode(), cause) for name, (make, cause) in MADE.items()]
    return (*made, *changed_values(), *other_forms(), *acceptances())
