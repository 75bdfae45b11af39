"""What a light client hands out when it has met two truths: a file for all agencies, and the same in words. Pure.

{
  "chain_id":      the chain,
  "common_height": of the trusted block from which both were verified; 0 is the genesis document,
  "conflicting":   the two light blocks,
  "format":        "mvchain divergence 1",
  "signed_both":   keys of the validators who signed either
}
"""

from collections.abc import Iterable

from mvchain.core import strict_json
from mvchain.core.strict_json import Json
from mvchain.core.types import PublicKey
from mvchain.ledger.blocks import Flag
from mvchain.ledger.genesis import Genesis
from mvchain.light.blocks import LightBlock, light_block_to_json
from mvchain.light.client import Divergence

FORMAT = "mvchain divergence 1"


def evidence_name(divergence: Divergence) -> str:
    """The name of its file."""
    second = divergence.second
    return f"divergence-{second.height}-{second.hash.hex()[:8]}.json"


def encode_evidence(divergence: Divergence) -> bytes:
    """The file: canonical JSON."""
    conflicting: list[Json] = [light_block_to_json(divergence.first), light_block_to_json(divergence.second)]
    return strict_json.canonical(
        {
            "format": FORMAT,
            "chain_id": divergence.common.chain_id,
            "common_height": divergence.common.height,
            "conflicting": conflicting,
            "signed_both": [key.hex() for key in signed_both(divergence)],
        }
    )


def signed_both(divergence: Divergence) -> list[PublicKey]:
    """The validators who signed either block, in ascending order of their keys."""
    return sorted(signers_of(divergence.first) & signers_of(divergence.second))


def signers_of(block: LightBlock) -> set[PublicKey]:
    """The validators whose signatures for the block are in its commit."""
    return {
        validator.public_key
        for entry, validator in zip(block.commit.signatures, block.validators, strict=True)
        if entry.flag == Flag.COMMIT
    }


def names_of(keys: Iterable[PublicKey], genesis: Genesis | None) -> list[str]:
    """Each validator by the name of its agency; by its key, where the genesis document has no name for it."""
    names = {agency.validator_key: agency.name_en for agency in genesis.agencies} if genesis else {}
    return [names.get(key, key.hex()) for key in keys]


def evidence_in_words(divergence: Divergence, genesis: Genesis | None) -> str:
    """What happened and who did it, by name where the genesis document has one for the key."""
    first, second = divergence.first, divergence.second
    both = names_of(signed_both(divergence), genesis)
    if not both:
        who = "Nobody signed both."
    elif (first.height, first.commit.round) == (second.height, second.commit.round):
        who = f"Signed two blocks in one round, which no honest node does: {', '.join(both)}."
    else:
        who = (
            f"Signed both: {', '.join(both)}. The two are not of one round, so the signatures alone do not tell "
            "which of them broke the rules."
        )
    return f"""\
TWO TRUTHS. Believe neither.
  {_named(first)}
  {_named(second)}
contradict each other, and each is signed so that it would have to be believed.
{who}"""


def _named(block: LightBlock) -> str:
    return f"block {block.height}  {block.hash.hex()}"
