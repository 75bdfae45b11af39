"""Proofs about a poll that are not genuine, each with the code that refuses it (ledger L10): see `forgeries`."""

import json
from base64 import b64encode
from collections.abc import Iterator
from functools import cache

from mvchain.core import codes
from mvchain.core.errors import Cause
from mvchain.light.proofs import PollProof
from tests.light.bad_forms import Step, bad_forms, written_so
from tests.light.forgeries import Forgery, changed_at, values_in
from tests.light.made_up_proofs import TABLES
from tests.light.polls import DEFINITION, TALLY, good_proofs

# --- one value changed ---

EXPECTED: dict[str, Cause] = {
    "format": codes.UNKNOWN_RECEIPT_FORMAT,
    "chain_id": codes.RECEIPT_OF_ANOTHER_CHAIN,
    "header.app_hash": codes.PROOF_RECORD,
    "header.validators_hash": codes.RECEIPT_VALIDATORS,
    "header": codes.COMMIT_SIGNATURE,
    "commit": codes.COMMIT_SIGNATURE,
    "validators": codes.RECEIPT_VALIDATORS,
    "poll": codes.PROOF_RECORD,
    "claim.type": codes.MALFORMED_PROOF,
    "claim.weight": codes.PROOF_ON_ROLL,
    "claim.path": codes.PROOF_ON_ROLL,
    "claim.size": codes.PROOF_RECORDED,
    "claim.root": codes.PROOF_RECORDED,
    "claim.proof": codes.PROOF_RECORDED,
    "claim.ballot": codes.PROOF_BALLOT,
    "claim.number": codes.PROOF_BALLOT,
    "claim.ballot_path": codes.PROOF_BALLOT,
    "claim.counted_path": codes.PROOF_COUNTED,
    "claim.counted_number": codes.PROOF_COUNTED,
    "claim.accepted.header.last_results_hash": codes.PROOF_ACCEPTED,
    "claim.accepted.header.validators_hash": codes.RECEIPT_VALIDATORS,
    "claim.accepted.header": codes.COMMIT_SIGNATURE,
    "claim.accepted.commit": codes.COMMIT_SIGNATURE,
    "claim.accepted": codes.PROOF_ACCEPTED,
    "claim.before": codes.PROOF_COUNTED,
    "claim.after": codes.PROOF_COUNTED,
}
"""What is refused first if a value changes, by the longest beginning of its path."""
VOTER_CHANGED = {"on_roll": codes.PROOF_ON_ROLL, "counted": codes.PROOF_COUNTED, "superseded": codes.PROOF_COUNTED}
"""The voter of a claim; where none is counted, a key beside it has none either."""


CHANGED = (
    "question of an open poll",
    "result",
    "voter 4 on the roll",
    "3 ballots recorded",
    "ballot 3 counted",
    "ballot 1 superseded",
    "voter 3 without a ballot",
    "voter 9 without a ballot",
)
"""Good proofs of which every value is changed: one of each claim, and one that has nobody on one side."""


def expected_at(path: Step, claim: str) -> Cause:
    if path == ("claim", "voter"):
        return VOTER_CHANGED[claim]
    if path[-1] == 0 and path[-3:-2] == ("signatures",):
        # The index of a signer: 0, 1, 2 become 1, 2, 3, and only the last stays in order.
        return codes.COMMIT_SIGNATURE if path[-2] == 2 else codes.RECEIPT_SIGNERS
    names = [str(step) for step in path]
    return next(EXPECTED[key] for n in range(len(names), 0, -1) if (key := ".".join(names[:n])) in EXPECTED)


def changed_values(name: str, proof: PollProof) -> Iterator[Forgery]:
    """One value after the other, but for bytes in base64 and for the voter in a proof that none counts."""
    file = proof.encode()
    content = json.loads(file)
    claim = content["claim"]["type"]
    for path in values_in(content):
        is_bytes = path[:2] in {("claim", "definition"), ("claim", "tally")}
        if not is_bytes and not (claim == "not_counted" and path == ("claim", "voter")):
            shown = ".".join(map(str, path))
            yield Forgery(f"{name}, {shown} changed", changed_at(file, path), expected_at(path, claim))


# --- other forms ---


def other_base64(name: str, proof: PollProof, member: str, data: bytes) -> Iterator[Forgery]:
    """The same bytes, or nearly, in other texts."""
    text = b64encode(data).decode()
    body, padding = text.rstrip("="), text[len(text.rstrip("=")) :]
    assert padding, "its last digit has unused bits"
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    unused = body[:-1] + digits[digits.index(body[-1]) ^ 1] + padding
    texts = {
        "with other unused bits": (unused, codes.NOT_CANONICAL),
        "without padding": (body, codes.MALFORMED_PROOF),
        "with more padding": (text + "=", codes.MALFORMED_PROOF),
        "with padding behind whole groups": (text[:8] + "=", codes.MALFORMED_PROOF),
        "with a line feed": (text[:8] + "\n" + text[8:], codes.MALFORMED_PROOF),
        "with a space": (text + " ", codes.MALFORMED_PROOF),
        "with padding within": ("AA==" + text, codes.MALFORMED_PROOF),
        "with padding alone": ("====", codes.MALFORMED_PROOF),
        "for addresses": (text[:8] + "-_" + text[10:], codes.MALFORMED_PROOF),
        "with another letter": (text[:8] + "é" + text[9:], codes.MALFORMED_PROOF),
    }
    for form, (other, cause) in texts.items():
        changed = written_so(proof.encode(), ("claim", member), json.dumps(other, ensure_ascii=False))
        yield Forgery(f"{name}, {member} {form}", changed, cause)


KEY_OF_ANOTHER_SCHEME = f'"02{"00" * 32}"'


def other_schemes() -> Iterator[Forgery]:
    """A voter whose key is none that signs ballots."""
    for name, *where in (
        ("voter 4 on the roll", "claim", "voter"),
        ("ballot 3 counted", "claim", "voter"),
        ("voter 3 without a ballot", "claim", "voter"),
        ("voter 3 without a ballot", "claim", "before", "voter"),
        ("voter 3 without a ballot", "claim", "after", "voter"),
    ):
        changed = written_so(good_proofs()[name].encode(), tuple(where), KEY_OF_ANOTHER_SCHEME)
        yield Forgery(f"{name}, {'.'.join(where)} of another scheme", changed, codes.MALFORMED_PROOF)


@cache
def proof_forgeries() -> tuple[Forgery, ...]:
    """Made up ones, good ones with one value changed, and good ones in other forms."""
    made = [Forgery(name, make().encode(), cause) for table in TABLES for name, (make, cause) in table.items()]
    good = good_proofs()
    changed = [forgery for name in CHANGED for forgery in changed_values(name, good[name])]
    forms = [
        Forgery(f"{name}: {form}", data, cause)
        for name in ("ballot 1 superseded", "voter 3 without a ballot", "3 ballots recorded")
        for form, data, cause in bad_forms(good[name].encode(), codes.MALFORMED_PROOF)
    ]
    too_long = written_so(good["question"].encode(), ("claim", "definition"), f'"{"A" * 90_000}"')
    texts = [
        *other_schemes(),
        Forgery("a question that is too long", too_long, codes.MALFORMED_PROOF),
        *other_base64("question", good["question"], "definition", DEFINITION),
        *other_base64("result", good["result"], "tally", TALLY.encode()),
    ]
    return (*made, *changed, *forms, *texts)
