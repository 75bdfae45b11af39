"""mvchain.interop.survey: what a chain holds, of chains made by hand."""

from collections.abc import Sequence

from mvchain.core.hashing import EMPTY_HASH
from mvchain.core.types import Address, Height, Round
from mvchain.interop.survey import survey
from mvchain.ledger.block_id import NIL_BLOCK_ID, BlockID
from mvchain.ledger.blocks import EMPTY_COMMIT, Block, Commit, CommitSig, Flag, Header, block_id_of
from tests.ledger.chain_helpers import CHAIN_ID, NOW

TX = bytes(60_000)


def block(height: int, txs: Sequence[bytes], last_commit: Commit, changed: bytes = EMPTY_HASH) -> bytes:
    header = Header(
        version_app=1,
        chain_id=CHAIN_ID,
        height=Height(height),
        time_ns=NOW,
        last_block_id=NIL_BLOCK_ID,
        last_commit_hash=EMPTY_HASH,
        data_hash=EMPTY_HASH,
        validators_hash=changed,
        next_validators_hash=EMPTY_HASH,
        consensus_hash=changed,
        app_hash=EMPTY_HASH,
        last_results_hash=EMPTY_HASH,
        evidence_hash=EMPTY_HASH,
        proposer_address=Address(bytes(20)),
    )
    return Block(header, tuple(txs), (), last_commit).encode()


def id_of(encoded: bytes) -> BlockID:
    return block_id_of(Block.decode(encoded).header, encoded)


def commit(encoded: bytes, round_: int, *flags: Flag) -> Commit:
    """For a block; the form of the entries is right, their signatures are nobody's."""
    entries = [
        CommitSig(flag, b"", -62_135_596_800_000_000_000, b"")  # type: ignore[arg-type]
        if flag is Flag.ABSENT
        else CommitSig(flag, bytes(20), NOW, bytes(64))
        for flag in flags
    ]
    return Commit(Block.decode(encoded).header.height, Round(round_), id_of(encoded), tuple(entries))


def chain() -> list[bytes]:
    first = block(1, [b"one"], EMPTY_COMMIT)
    second = block(2, [TX, TX, TX], commit(first, 0, Flag.COMMIT, Flag.COMMIT, Flag.COMMIT, Flag.ABSENT), bytes(32))
    third = block(3, [], commit(second, 2, Flag.COMMIT, Flag.NIL, Flag.COMMIT, Flag.COMMIT))
    return [first, second, third]


def test_each_block_is_told_with_the_commit_that_the_next_one_carries() -> None:
    encoded = chain()
    found = survey(encoded)
    assert found.tip == 2
    one, two = found.blocks
    assert (one.height, one.hash, one.parts, one.round) == (1, id_of(encoded[0]).hash, 1, 0)
    assert [len(one.tx_hashes), len(two.tx_hashes)] == [1, 3]
    assert one.flags == (Flag.COMMIT, Flag.COMMIT, Flag.COMMIT, Flag.ABSENT)
    # 180,000 bytes of transactions: three parts of 65,536.
    assert (two.parts, two.round, two.flags[1]) == (3, 2, Flag.NIL)


def test_what_is_lacking_is_named() -> None:
    assert survey(chain()).lacking() == []
    assert survey(chain()[:2]).lacking() == [
        "blocks of several parts",
        "commits with a nil precommit",
        "commits of a later round",
        "blocks of several parts under a nil precommit",
        "changes of the validators",
        "changes of the parameters",
    ]
