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
DEFINITION_BYTES_PER_UNIT = 256
"""Decoding takes 0.3 ms a KiB where options are short."""
TALLY_NUMBERS_PER_UNIT = 256
"""Numbers of a running tally that are copied and written anew in each block that changes it: a ranked question of 100
options has 10,000, a definition of 64 KiB up to 400,000, which takes longer than most ballots."""
MAX_RUNNING_UNITS = 20_000
"""Of one agency's polls that have not ended (`tally.running_units`): 6,000 everyday ones or 11 of the largest. Their
definitions and tallies are in the memory of each node: at most 200 MB an agency."""
MAX_OPENING_UNITS = 2_500
"""Tallies of polls that open in one block; the others open in the next."""

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
MAX_TENURES = 64
"""Validator keys, and node keys, that one agency ever had: four a year for sixteen years."""
MAX_AGENCIES = 1_000
"""Agencies that a chain ever had: numbers are not given again, and the records of those that left stay."""
MIN_GOVERNED_VALIDATORS = 4
"""No change of the set leaves fewer: with three, one silent agency stops the chain (L4, N1)."""
MAX_ACTION_BYTES = 2 * 1024
"""An entry with the longest names takes 800 bytes."""
MAX_OPEN_PROPOSALS = 4
"""Of one agency: all that are open lie in the memory of every node and are counted in every block."""
PROPOSAL_LIFE_MS = 30 * 24 * 3_600_000
"""A month of meetings; what is forgotten for longer must not take effect by a late approval."""
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
EVIDENCE_MAX_AGE_BLOCKS = 100_000
EVIDENCE_MAX_AGE_NS = 48 * 3_600 * 1_000_000_000
"""Evidence older than both is expired (C67): CometBFT's defaults, and not less than light clients trust (ATK10)."""
MAX_CONVICTIONS = 1_000
"""Of one validator that the chain holds: more prove nothing new, and a faulty one could make millions (I7)."""

# --- messages of the chain, encoded: twice what the longest honest one takes, so that bytes are refused unread ---
MAX_HEADER_BYTES = 1024
MAX_COMMIT_BYTES = 24 * 1024
"""One of MAX_VALIDATORS entries of at most 111 bytes takes 11 kB (C49, C50; ATK16)."""
MAX_ENDORSEMENT_BYTES = 512
MAX_PROPOSAL_BYTES = 512
MAX_BLOCK_PARTS = (MAX_BLOCK_BYTES - 1) // PART_BYTES + 1
"""No block has more parts, so no proposal may announce more (C48, ATK03)."""
MIN_BLOCK_BYTES = 256 * 1024
"""Least value of block.max_bytes: one transaction, all evidence and the largest commit fit, with room (ATK11)."""
MIN_BLOCK_UNITS = MAX_TRANSACTION_BYTES // ANSWER_ENTRIES_PER_UNIT + 1
"""Least value of block.max_gas: the ballot with the most entries fits, else it would wait for ever (ATK11)."""
MAX_AGENCY_NAME_BYTES = 200
MAX_TIMEOUT_MS = 60_000
MAX_HEARTBEAT_MS = 3_600_000

# --- proofs and receipts (C20, ledger L11) ---
MAX_AUNTS = 100
MAX_HANDOVERS = 512
"""Blocks that lead from the validators of genesis to those of a proof. Each covers the change of up to a third of the
set; of those who are there to stay, six agencies that replaced their keys MAX_TENURES times, one by one, need the most:
384. Agencies that join in another's place need as many as keys do: 500 would have to come and go, one by one."""
MAX_RECEIPT_BYTES = 16 * 1024 * 1024
"""Without handovers 12 kB at 40 validators; with MAX_HANDOVERS of MAX_VALIDATORS 13 MB."""
MAX_PROOF_BYTES = 48 * 1024 * 1024
"""A proof of a result holds the tally, both in a disputed poll; all other proofs have some kilobytes."""
MAX_LIGHT_BLOCK_BYTES = 64 * 1024
"""As JSON; one of MAX_VALIDATORS takes 25 kB."""

# --- rounds ---
MAX_ROUND = 1_000_000
MAX_ROUNDS_AHEAD = 8
"""Rounds above the present one whose prevotes and precommits are kept; f+1 of a later round still skip to it."""
MAX_ROUNDS_BEHIND = 8
"""Rounds below the present one whose messages are kept for peers that are still there; older ones only where a
proposal, the valid block or the decision rests on them (faults S10, I7)."""

MAX_PROPOSALS_PER_ROUND = 2
"""Of one proposer in one round: the first counts, a second shows that it signed two; more prove nothing new (S3)."""
MAX_FAR_ENDORSEMENTS = 16
"""Of one validator beyond MAX_ROUNDS_AHEAD that are taken while this node is in one round: each goes into the log,
and the round it skips to needs one (L55)."""
MAX_PENDING_EVIDENCE = 100
"""Of one validator, waiting for a block: two blocks' worth; what more it signs twice proves nothing new (I7)."""
MAX_DUPLICATE_PROPOSALS = 1_000
"""Pairs of proposals kept for people; the oldest give way."""
MAX_FORKS = 16
"""Pairs of valid commits kept for people; the first ones tell where a fork began."""

# --- bytes of any kind ---
MAX_ARRAY_ITEMS = 1 << 13
"""Items of one msgpack array; more than any record has (a block names 5,000 transactions)."""
MAX_NESTING = 32
"""Levels of arrays, or of JSON arrays and objects (LIM12); far above any record, far below the interpreter's
limit of recursion, which comparing or printing a deeper value would meet."""

# --- documents (ledger L2, L5, L6) ---
MAX_NUMBER = (1 << 32) - 1
"""Numbers of polls and rolls, sizes and counters of signers: four bytes in the keys of the state."""
MAX_LANGUAGES = 16
MAX_TITLE_BYTES = 1_000
DEFAULT_GRACE_MS = 60_000
DEFAULT_APPROVALS = 2
"""What a poll has that does not say (L4, L6)."""
MAX_COST = 1 << 43
"""One option; the costs of 1,000 options in sum stay below 2^53 (L6)."""
MAX_TALLY_BYTES = 16 * 1024 * 1024
"""A stored tally or recount. A definition of 64 KiB holds about 4,000 options at most; with position matrices
of 100 ranks that is 400,000 numbers."""
MAX_CLOCK_AHEAD_MS = 60_000
"""A block whose time is further ahead of the own clock gets a nil prevote (C78)."""

# --- state and waiting transactions (ledger L9, consensus N9) ---
MAX_RECORD_BYTES = 128 * 1024
"""One record of an agency, poll or roll; 1,000 signers take about 50 kB."""
PROVABLE_HEIGHTS = 1_000
"""Newest heights whose state is proved on demand (L9)."""
MAX_PROVABLE_CHANGES = 100_000
"""Changed records of these heights together; each keeps a path of an earlier tree in memory, about 0.7 kB. Where
blocks change more than 100 records for hours, fewer heights are proved."""
MAX_STATE_CACHE_ENTRIES = 1 << 16
"""Roll entries and voters kept in memory between admission and execution; about 15 MB."""
MAX_POOL_BYTES = 64 * 1024 * 1024
MAX_POOL_TRANSACTIONS = 200_000
"""About three minutes of ballots at 1,000 per second."""
MAX_POOL_ADMIN_UNITS = MAX_BLOCK_UNITS
"""Administrative transactions that wait are judged one after the other after every block, so what waits must
not cost more than one block does."""

# --- messages between nodes (security LIM16 to LIM19, ATK20): one bound for each type, in bytes of its body ---
MAX_STATUS_ROUNDS = 32
MAX_STATUS_BITMAPS = 64
MAX_STATUS_CONTESTED = 256
"""A status holds 19 proposals and 38 rounds at most, and for each two kinds and two contested blocks."""
MAX_STATUS_BYTES = 32 * 1024
MAX_COMPACT_PROPOSAL_BYTES = 256 * 1024
"""5,000 hashes take 170 kB, evidence 51 kB, a commit of 100 validators 11 kB."""
MAX_ENDORSEMENTS_PER_MESSAGE = 256
MAX_OWN_MESSAGES = 128
"""Proposals, and as many prevotes and precommits, of one validator that a peer hands back (N4)."""
MAX_SIGNED_MESSAGES_BYTES = 136 * 1024
"""256 of them, or the evidence of a block."""
MAX_BATCH_BYTES = 256_000
"""Transactions of one message together (N8)."""
MAX_BATCH_ITEMS = 4_096
"""Transactions or hashes of one message; the smallest ballot has about 110 bytes, so bytes run out first."""
MAX_HASHES_BYTES = 144 * 1024
MAX_BLOCKS_PER_REQUEST = 16
MAX_RESULT_NUMBERS_BYTES = 5 * (MAX_BLOCK_UNITS + 1)
"""Result numbers of one block, as msgpack."""
MAX_FINAL_PROOF_BYTES = 16 * 1024
"""Of the record of one poll: two paths of some 20 hashes each."""
MAX_GOODBYE_REASON_BYTES = 400
MAX_WANTED_PER_PEER = 1 << 14
"""Transactions that one peer announced and that are asked for at one time; about 4 MB of memory (ATK38)."""
MAX_FINISHED_HASHES = 1 << 17
"""Committed transactions that announcements are compared with; older ones are fetched once more and dropped."""

# --- storage of a node (consensus N4-N6) ---
MAX_STORED_RECORD_BYTES = 8 * 1024 * 1024
"""One record of the log or journal; a log record holds a whole block (N5)."""
MAX_BLOCK_RECORD_BYTES = 512 * 1024
"""What is stored of a block beside its transactions: evidence 51 kB, two commits 24 kB each, 5,000 results 45 kB."""
JOURNAL_SEGMENT_BYTES = 16 * 1024 * 1024
MAX_JOURNAL_BYTES = 256 * 1024 * 1024
"""Four times MAX_POOL_BYTES, so that the pool is full long before the journal is."""
MIN_FREE_DISK_BYTES = 256 * 1024 * 1024
"""The node stops by itself while there is room to stop in order: many full blocks and a compaction (faults R6)."""
MAX_REMEMBERED_REJECTIONS = 100_000
"""Received transactions that ended without a block, whose submitters can still see why; 45 bytes of disk each."""
BALLOT_FREE_DISK_BYTES = 2 * MIN_FREE_DISK_BYTES
"""Below it a node takes no ballots from its API, and goes on deciding blocks: the journal alone may take as much as
lies between the two. A setting, for disks that others fill as well."""
STANDSTILL_MS = 10_000
"""A height that is being decided for so long is an alarm: four rounds in which each proposer is away take 9 s."""
MAX_CLOCK_DIFFERENCE_MS = 10_000
"""Between the own clock and the time of a block just decided, before it is an alarm: ballots are taken until a poll
closes by the own clock. Far more than a clock that follows a time server is off, and than a block takes."""
MAX_BACKUP_PART_BYTES = MAX_TALLY_BYTES + 2 * 1024 * 1024
"""One part of a backup: the largest record of the store, or 1 MiB of small ones and one more."""
SNAPSHOT_CHUNK_BYTES = 1024 * 1024
"""A piece of a snapshot: one message, one file."""
MAX_SNAPSHOT_CHUNKS = 8_192
"""8 GiB: 40 million ballots in open polls with their rolls. A manifest then has 256 KiB."""
MAX_SNAPSHOT_RECORDS = 1_000_000
"""Of one store of the state tree: what a liar can make a joining node hash before it finds out, 300 MB of memory."""
MAX_MANIFEST_BYTES = 32 * MAX_SNAPSHOT_CHUNKS + 64
KEPT_SNAPSHOTS = 2
"""A node that joins can go on with the older one while the newer is made."""
MAX_KEY_FILE_BYTES = 4 * 1024
MIN_PASSPHRASE_BYTES = 8

# --- command line ---
MAX_PASSPHRASE_FILE_BYTES = 4096
MAX_ELECTION_FILE_BYTES = 256 * 1024 * 1024
"""A `.pb` file; the largest published one has 100 MB."""
