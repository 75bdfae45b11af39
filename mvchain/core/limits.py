"""Every bound of the system, each with its reason. Bytes from outside meet these before they are decoded."""

# --- transactions and blocks (ledger L2, L6; consensus N2) ---
MAX_TRANSACTION_BYTES = 64 * 1024
"""One transaction; a poll definition and a ballot each fit one (L6)."""
MAX_BLOCK_BYTES = 4 * 1024 * 1024
"""One block as protobuf (N2); carried as block.max_bytes."""
MAX_BLOCK_UNITS = 5_000
"""Work units of one block (N2), so that the slowest allowed one executes well inside the propose timeout."""
MAX_COUNTING_UNITS = 2_500
"""Of which recounting, and transactions while counting goes on, take at most this each (N2)."""
PART_BYTES = 65_536
"""Part of a part set (C58)."""
ANSWER_ENTRIES_PER_UNIT = 16
ROLL_KEYS_PER_UNIT = 30

# --- polls (ledger L6) ---
MAX_QUESTIONS = 64
MAX_OPTIONS = 1_000
MAX_POSITION_MATRIX_OPTIONS = 100
"""Up to this many options the position matrix of a ranked question is kept (L8)."""
MAX_REVISIONS = 16
"""Ballots of one key in one poll, the first included (L7: revisions 0 to 15)."""
MAX_WEIGHT = 1 << 16
MAX_POINTS = 1 << 10
"""Points per option, marks and Borda weights; with weight and roll size all totals stay below 2^53 (L6)."""
MAX_ROLL_SIZE = 1 << 26
MAX_TEXT_BYTES = 16 * 1024
MAX_OPTION_ID_BYTES = 32
MAX_REASON_BYTES = 1_000
MAX_GRACE_MS = 3_600_000
MAX_PENDING_ACTIONS = 8
"""Actions of one poll or roll that wait for approvals; older ones must be approved or outdated first."""
MAX_SIGNERS_PER_AGENCY = 1_000
"""Operator and service keys an agency ever registered; revoked ones stay, since their counters must (L2)."""
MAX_APPROVALS = 16
MAX_TIME_MS = 253_402_300_799_000
"""Last second of year 9999 (C16)."""

# --- network of agencies ---
MIN_VALIDATORS = 1
MAX_VALIDATORS = 100
"""Bounds a commit, a receipt and the bookkeeping of a round; a federation is about 40."""
VALIDATOR_POWER = 10
"""Never 1: the median of C75 would pick the lowest of three (C76)."""
MAX_CHAIN_NAME_CHARS = 17
MAX_GENESIS_BYTES = 1024 * 1024
MAX_EVIDENCE_BYTES = 1024
"""One piece of duplicate-endorsement evidence, encoded (C66)."""
MAX_BLOCK_EVIDENCE = 50

# --- proofs and receipts (C20, ledger L11) ---
MAX_AUNTS = 100
MAX_RECEIPT_BYTES = 64 * 1024

# --- rounds ---
MAX_ROUND = 1_000_000
MAX_ROUNDS_AHEAD = 8
"""Rounds above the present one whose prevotes and precommits are kept; f+1 of a later round still skip to it."""
