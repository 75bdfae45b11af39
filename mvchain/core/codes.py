"""Every stable code with its cause and remedy; the only place where codes are given out.

1xxx transactions · 2xxx peers · 3xxx configuration · 4xxx storage · 5xxx proofs · 6xxx requests.
Section comments name the module that raises them. A code is never reused for another meaning.
"""

from mvchain.core.errors import Cause

# --- 10xx: bytes of any kind (core.codec, core.proto) ---
MALFORMED = Cause("MV-1001", "{what} is malformed: {why}.", "Encode it as the specification says and send it again.")
TOO_LARGE = Cause("MV-1002", "{what} has {size} bytes; at most {limit} are allowed.", "Send less at once.")
NOT_CANONICAL = Cause(
    "MV-1003",
    "{what} is not in canonical form: the same value has another, canonical encoding.",
    "Use the shortest form of every value and nothing behind the last one.",
)
NOT_UTF8 = Cause("MV-1004", "{what} holds text that is not UTF-8.", "Encode every text as UTF-8.")
TOO_DEEP = Cause("MV-1005", "{what} is nested deeper than {limit} levels.", "Nest less.")
DUPLICATE_NAME = Cause(
    "MV-1006", "{what} holds the name {name!r} twice in one object.", "Name every member of an object once."
)
BAD_NUMBER = Cause(
    "MV-1007",
    "{what} holds the number {number}; only integers from -(2^53 - 1) to 2^53 - 1 are allowed.",
    "Write larger integers as texts and avoid fractions and exponents.",
)

# --- 101x: keys and signatures (core.keys) ---
CRYPTO_SELF_TEST = Cause(
    "MV-1010",
    "The signature library gives another verdict than this network agreed on: {check}.",
    "Install the pinned PyNaCl wheel; another libsodium is a consensus change (ED07).",
)

# --- 110x-111x: transactions (ledger.transactions) ---
UNKNOWN_KIND = Cause(
    "MV-1101",
    "The transaction has kind {kind}, which this chain does not know.",
    "Use a client made for this version of the chain.",
)
UNKNOWN_KEY_SCHEME = Cause(
    "MV-1102",
    "The {what} has key scheme {scheme}; this chain knows scheme 1 (Ed25519) only.",
    "Put the byte 1 before the 32 bytes of an Ed25519 key.",
)
KEY_NOT_REGISTRABLE = Cause(
    "MV-1103",
    "The key {key} is not a sound Ed25519 key and cannot be registered.",
    "Make a new key with mvchain and register that one.",
)
UNKNOWN_SCOPES = Cause(
    "MV-1104",
    "The scopes {scopes} of the poll service are not a sum of 1 (create polls) and 2 (manage rolls).",
    "Ask for 1, 2 or 3.",
)
ROLL_CHUNK_LENGTH = Cause(
    "MV-1105",
    "The roll chunk has {size} bytes of keys, which is not one or more keys of 33 bytes.",
    "Join whole keys, each with its scheme byte.",
)
ROLL_CHUNK_WEIGHTS = Cause(
    "MV-1106",
    "The roll chunk has {keys} keys and {weights} weights.",
    "Give every key a weight, or send no weights where all are 1.",
)
ROLL_KEY_UNSOUND = Cause(
    "MV-1107",
    "Key {number} of the roll chunk cannot be a voter's key.",
    "Remove it; a voter's device makes a sound one.",
)
ROLL_KEYS_NOT_ASCENDING = Cause(
    "MV-1108",
    "Key {number} of the roll chunk is not greater than the one before it.",
    "Sort the keys of the whole roll by their bytes and remove repeated ones.",
)

# --- 112x-114x: poll definitions (ledger.polls, ledger.poll_json) ---
UNKNOWN_DEFINITION_VERSION = Cause(
    "MV-1120",
    "The poll definition has version {version}; this chain knows version 1.",
    "Write the definition in version 1.",
)
BAD_LANGUAGE = Cause(
    "MV-1121",
    "{where} names the language {language!r}, which is not 2 to 8 of the characters a-z and hyphen.",
    "Use a language tag such as ko or en.",
)
LANGUAGES_NOT_ASCENDING = Cause(
    "MV-1122",
    "{where} does not list its languages once each, in ascending order.",
    "Sort the texts by language and give one text for each.",
)
TEXT_MISSING = Cause("MV-1123", "{where} has no text.", "Write one.")
OPTION_ID_REPEATED = Cause(
    "MV-1124",
    "Question {question} has two options with the id {option!r}.",
    "Give each option of a question an id of its own.",
)
OPTION_ID_EMPTY = Cause(
    "MV-1125", "Question {question} has an option without an id.", "Give each option an id of 1 to 32 bytes."
)
BAD_IMAGE_HASH = Cause(
    "MV-1126",
    "The image hash of option {option!r} in question {question} has {size} bytes.",
    "Give the SHA-256 of the image (32 bytes), or nothing.",
)
UNKNOWN_QUESTION_TYPE = Cause(
    "MV-1127",
    "Question {question} has type {type}, which this chain does not know.",
    "Use single, approval, ranked, points or score.",
)
NO_QUESTIONS = Cause("MV-1128", "The poll has no question.", "Ask at least one.")
NO_OPTIONS = Cause("MV-1129", "Question {question} has no option.", "Give it at least one.")
COUNT_BOUNDS = Cause(
    "MV-1130",
    "Question {question} takes {min_count} to {max_count} of {options} options, which is no range.",
    "Choose bounds with minimum <= maximum, 1 <= maximum and maximum <= number of options.",
)
QUOTAS_NOT_ASCENDING = Cause(
    "MV-1131",
    "Question {question} does not list its quotas once per group, in ascending order of the groups.",
    "Sort the quotas by group and give one for each.",
)
QUOTA_GROUP_UNKNOWN = Cause(
    "MV-1132",
    "Question {question} has a quota for the group {group!r}, which none of its options is in.",
    "Remove the quota or put options into the group.",
)
QUOTA_BOUNDS = Cause(
    "MV-1133",
    "The quota of group {group!r} in question {question} asks for {min_count} to {max_count} of {options}.",
    "Choose bounds with minimum <= maximum and maximum <= number of options in the group.",
)
QUOTAS_UNSATISFIABLE = Cause(
    "MV-1134",
    "No answer to question {question} can meet its quotas and take {min_count} to {max_count} options.",
    "Loosen the quotas or the bounds.",
)
COST_UNSATISFIABLE = Cause(
    "MV-1135",
    "The cheapest answer to question {question} costs {cheapest}, more than its cap of {max_cost}.",
    "Raise the cap or lower the number of options that must be taken.",
)
RANK_WEIGHTS_COUNT = Cause(
    "MV-1136",
    "Question {question} ranks up to {max_count} options but declares {weights} rank weights.",
    "Declare one weight for each rank, the first rank first.",
)
RANK_WEIGHTS_RISING = Cause(
    "MV-1137",
    "The rank weights of question {question} rise from one rank to the next.",
    "Give a better rank at least the weight of a worse one.",
)
POINTS_BOUNDS = Cause(
    "MV-1138",
    "Question {question} asks for {min_sum} to {max_sum} points, at most {option_cap} on each of {options}"
    " options, which does not fit together.",
    "Choose minimum <= maximum, cap <= maximum and maximum <= cap times number of options.",
)
POLL_TIMES = Cause(
    "MV-1139",
    "The poll opens at {opens_at_ms} and closes at {closes_at_ms} with {grace_ms} ms of grace: no time span.",
    "Let it close after it opens, and before the year 10000.",
)
UNKNOWN_MEMBER = Cause("MV-1140", "{where} has the unknown member {member!r}.", "Remove it, or correct its spelling.")
MISSING_MEMBER = Cause("MV-1141", "{where} lacks the member {member!r}.", "Add it.")
WRONG_MEMBER = Cause("MV-1142", "{where} is not {expected}.", "Correct its value.")

# --- 115x-116x: answers of a ballot (ledger.ballots); no option is ever named, since causes land in logs ---
WRONG_ANSWER_COUNT = Cause(
    "MV-1150",
    "The ballot has {answers} answers for {questions} questions.",
    "Answer each question, or say blank where that is allowed.",
)
BLANK_NOT_ALLOWED = Cause("MV-1151", "Question {question} does not allow a blank.", "Answer it.")
WRONG_ANSWER_SHAPE = Cause(
    "MV-1152",
    "The answer to question {question} is not {expected}.",
    "Encode the answer as the question type asks.",
)
NO_SUCH_OPTION = Cause(
    "MV-1153",
    "The answer to question {question} names an option that is not among its {options}.",
    "Number the options from 0, as the poll lists them.",
)
OPTION_REPEATED = Cause(
    "MV-1154", "The answer to question {question} names an option twice.", "Name each option at most once."
)
OPTIONS_NOT_ASCENDING = Cause(
    "MV-1155", "The answer to question {question} does not list its options in ascending order.", "Sort them."
)
TOO_FEW_OPTIONS = Cause(
    "MV-1156",
    "The answer to question {question} names {count} options; at least {min_count} are asked for.",
    "Choose more.",
)
TOO_MANY_OPTIONS = Cause(
    "MV-1157",
    "The answer to question {question} names {count} options; at most {max_count} are allowed.",
    "Choose fewer.",
)
QUOTA_MISSED = Cause(
    "MV-1158",
    "The answer to question {question} names too few of group {group!r}; at least {min_count} must be.",
    "Choose more of that group.",
)
QUOTA_EXCEEDED = Cause(
    "MV-1159",
    "The answer to question {question} names too many of group {group!r}; at most {max_count} may be.",
    "Choose fewer of that group.",
)
COST_EXCEEDED = Cause(
    "MV-1160",
    "The options of the answer to question {question} cost too much in sum; at most {max_cost} is allowed.",
    "Choose fewer or cheaper options.",
)
POINTS_OUT_OF_RANGE = Cause(
    "MV-1161",
    "The answer to question {question} gives an option fewer than 1 or more than {option_cap} points.",
    "Leave out options without points, and keep to the cap.",
)
TOO_FEW_POINTS = Cause(
    "MV-1162",
    "The answer to question {question} gives too few points in sum; at least {min_sum} are asked for.",
    "Give more.",
)
TOO_MANY_POINTS = Cause(
    "MV-1163",
    "The answer to question {question} gives too many points in sum; at most {max_sum} are allowed.",
    "Give fewer.",
)
WRONG_MARK_COUNT = Cause(
    "MV-1164",
    "The answer to question {question} has {marks} marks for {options} options.",
    "Give each option a mark or none, in the order of the poll.",
)
MARK_OUT_OF_RANGE = Cause(
    "MV-1165",
    "The answer to question {question} has a mark outside 0 to {max_mark}.",
    "Keep to the marks of the question.",
)
NO_MARK = Cause(
    "MV-1166",
    "The answer to question {question} marks no option.",
    "Mark at least one, or say blank where that is allowed.",
)
UNKNOWN_OPTION_ID = Cause(
    "MV-1167", "Question {question} has no option with the given id.", "Use the ids that the poll lists."
)

# --- 12xx: rules of the state (ledger.admission, ledger.lifecycle) ---
UNKNOWN_SIGNER = Cause(
    "MV-1201",
    "The key {signer} is registered with no agency of this chain.",
    "Have an agency register it as an operator or authorise it as a service.",
)
SIGNER_REVOKED = Cause("MV-1202", "The key {signer} was revoked by its agency.", "Sign with a key that is in force.")
WRONG_SEQUENCE = Cause(
    "MV-1203",
    "The transaction has sequence {sequence}; the next one of this key is {expected}.",
    "Sign it again with the expected sequence, unless it was accepted already.",
)
NOT_PERMITTED = Cause(
    "MV-1204", "A key with the role {role} may not sign {action}.", "Have a key sign it whose role allows it."
)
OUT_OF_SCOPE = Cause(
    "MV-1205",
    "The poll service may not sign {action}: its scopes do not hold it.",
    "Ask the agency to authorise a service key with that scope.",
)
OTHER_AGENCY = Cause(
    "MV-1206",
    "{what} belongs to agency {owner}, the signer to agency {agency}.",
    "Have a key of the owning agency sign it.",
)
KEY_ALREADY_REGISTERED = Cause(
    "MV-1207",
    "The key {key} is or was registered with agency {agency}.",
    "Make a new key; one that was registered once is never registered again.",
)
NO_SUCH_SIGNER = Cause(
    "MV-1208",
    "The agency has no {role} key {key} in force.",
    "Compare the key with the list of the agency's keys.",
)
TOO_MANY_SIGNERS = Cause(
    "MV-1209",
    "The agency has registered {limit} keys, revoked ones included; there is room for no more.",
    "Use the keys that are registered.",
)
NO_SUCH_POLL = Cause("MV-1210", "There is no poll {poll} on this chain.", "Check the number of the poll.")
NO_SUCH_ROLL = Cause("MV-1211", "There is no roll {roll} on this chain.", "Check the number of the roll.")
ROLL_SEALED = Cause("MV-1212", "Roll {roll} is sealed and never changes.", "Create another roll.")
ROLL_NOT_SEALED = Cause("MV-1213", "Roll {roll} is not sealed yet.", "Seal the roll first; then register the poll.")
ROLL_IN_USE = Cause(
    "MV-1214", "Roll {roll} serves poll {poll}; a roll serves one poll only.", "Create a roll for this poll."
)
ROLL_ORDER = Cause(
    "MV-1215",
    "The first key of the chunk does not come after the last key of roll {roll}.",
    "Sort the keys of the whole roll, and send its chunks in that order.",
)
ROLL_FULL = Cause(
    "MV-1216",
    "Roll {roll} would have {size} entries; at most {limit} are allowed.",
    "Split the voters over several polls.",
)
ROLL_MISMATCH = Cause(
    "MV-1217",
    "Roll {roll} has {size} entries and the root {root}, not what the seal names.",
    "Compare the entries on the chain with your list, and seal what is there or create another roll.",
)
ROLL_EMPTY = Cause("MV-1218", "Roll {roll} has no entry.", "Append the voters before sealing it.")
WRONG_POLL_STATE = Cause(
    "MV-1220",
    "Poll {poll} is {state}; {action} is possible only while it is {allowed}.",
    "Look at the state of the poll; this step is not open to it now.",
)
POLL_ENDED_ALREADY = Cause(
    "MV-1221",
    "The poll would close at {closes_at_ms} ms, but block time is already {time_ms} ms.",
    "Choose a later closing time.",
)
TOO_MUCH_RUNNING = Cause(
    "MV-1228",
    "The unended polls of agency {agency} would take {units} units of every node's memory; at most {limit} may be.",
    "Wait until some have ended, or ask with fewer options and rankings.",
)
EXTENSION_NOT_LATER = Cause(
    "MV-1222",
    "Poll {poll} closes at {closes_at_ms} ms; {requested_ms} ms is not later.",
    "An extension can only move the closing time later.",
)
NO_SUCH_ACTION = Cause(
    "MV-1223",
    "No action with the hash {action} waits for approval.",
    "It took effect, or was overtaken by another change; look at the record of the poll or roll.",
)
ALREADY_APPROVED = Cause(
    "MV-1224", "This key has approved the action {action} already.", "Another operator has to approve it."
)
TOO_MANY_PENDING = Cause(
    "MV-1225",
    "{what} has {limit} actions that wait for approval.",
    "Have one of them approved first, or revoke the operators who asked for them.",
)
DEFINITION_OF_OTHER_AGENCY = Cause(
    "MV-1226",
    "The definition names agency {named}, the signer belongs to agency {agency}.",
    "Correct the agency in the definition, or have the named agency register it.",
)
KEY_NOT_PROVEN = Cause(
    "MV-1227",
    "The key {key} has not signed that agency {agency} of this chain may register it as its {role}.",
    "Have the owner of the key make the request anew for this chain, agency and role: mvchain keys request.",
)
POLL_NOT_OPEN = Cause(
    "MV-1230", "Poll {poll} is {state} and takes no ballots.", "Ballots are taken while the poll is open."
)
NOT_ON_ROLL = Cause(
    "MV-1231",
    "The key is not on roll {roll} of poll {poll}.",
    "Use the key that was enrolled for this poll; each poll has its own.",
)
REVOTE_NOT_ALLOWED = Cause(
    "MV-1232",
    "This key has a ballot in poll {poll}, which does not allow another.",
    "Nothing to do: the first ballot counts.",
)
WRONG_REVISION = Cause(
    "MV-1233",
    "The ballot has revision {revision}; the next one of this key in poll {poll} is {expected}.",
    "Sign it again with the expected revision, unless it was accepted already.",
)
TOO_MANY_REVISIONS = Cause(
    "MV-1234",
    "This key has {limit} ballots in poll {poll}; no more are taken.",
    "Nothing to do: the last ballot counts.",
)
BLOCK_FULL = Cause(
    "MV-1240",
    "The transaction needs {units} work units; the block has {left} left.",
    "Nothing to do: it waits for a later block.",
)

# --- 14xx: governance by the agencies (ledger.governance, ledger.admission) ---
TOO_FEW_AGENCIES = Cause(
    "MV-1401",
    "{size} agencies would be left; a chain that bears one faulty agency needs {least}.",
    "Add an agency first, and let it sign a block.",
)
SET_NOT_ALIVE = Cause(
    "MV-1402",
    "The new set has {size} validators and needs {needs}; only {proven} of them have signed a block yet.",
    "Wait until the validators that joined last have signed a block; one whose node is not up has to come up first.",
)
TOO_MANY_AGENCIES = Cause(
    "MV-1403", "There would be {size} agencies; at most {limit} are possible.", "Remove an agency first."
)
WRONG_AGENCY_NUMBER = Cause(
    "MV-1404",
    "The entry has the number {number}; the next agency of this chain is number {expected}.",
    "Have the new agency make its entry anew with that number; numbers are signed and never given twice.",
)
BAD_ENTRY = Cause(
    "MV-1405", "The entry of agency {number} does not hold: {why}", "Have the new agency make its entry anew."
)
KEY_USED_BEFORE = Cause(
    "MV-1406",
    "The key {key} is or was a key of agency {agency}.",
    "Make a new key; no key ever comes back or gets a second use.",
)
KEY_NAMED_TWICE = Cause("MV-1407", "The key {key} is to have two uses.", "Make a key for each use.")
NEW_KEY_NOT_PROVEN = Cause(
    "MV-1408",
    "The key {key} has not signed that it is to be the {role} key of agency {agency} of this chain.",
    "Make the request anew for this chain and agency: mvchain keys next.",
)
TOO_MANY_REPLACED = Cause(
    "MV-1409", "Agency {agency} has had {limit} keys of one kind; there is room for no more.", "Use the keys it has."
)
AGENCY_UNKNOWN = Cause("MV-1410", "There is no agency {agency} on this chain.", "Check the number of the agency.")
AGENCY_REMOVED = Cause(
    "MV-1411",
    "Agency {agency} was removed from this chain.",
    "It can still bring its running polls to an end; anything new needs another agency.",
)
PARAMS_UNCHANGED = Cause("MV-1412", "These are the consensus parameters in force.", "Change at least one.")
PARAM_OUT_OF_RANGE = Cause(
    "MV-1413",
    "The parameter {field} would be {value}; it must be from {lo} to {hi}.",
    "Choose a value from that range: others could stop the chain.",
)
NO_SUCH_SERVICE = Cause(
    "MV-1414", "No agency has a poll service in force with the key {key}.", "Compare the key with the agency's list."
)
SERVICE_SUSPENDED = Cause(
    "MV-1415",
    "The agencies have suspended the poll service {signer}.",
    "They can lift it by a proposal; its agency's operators can go on with its polls.",
)
SERVICE_NOT_SUSPENDED = Cause(
    "MV-1416", "The poll service {signer} is not suspended.", "Nothing to do: it may act for its agency."
)
NO_SUCH_PROPOSAL = Cause(
    "MV-1420", "There is no proposal {proposal} on this chain.", "Look at the list: mvchain governance show."
)
PROPOSAL_ENDED = Cause(
    "MV-1421", "Proposal {proposal} is {state}.", "Propose it again if it is still wanted and has not taken effect."
)
PROPOSAL_APPROVED_ALREADY = Cause(
    "MV-1422", "Agency {agency} has approved proposal {proposal} already.", "The other agencies have to approve it."
)
PROPOSED_ALREADY = Cause(
    "MV-1423",
    "Your agency's proposal {proposal} asks for the same and is open.",
    "Wait for the others to approve that one, or withdraw it: mvchain governance withdraw {proposal}.",
)
TOO_MANY_PROPOSALS = Cause(
    "MV-1424",
    "Agency {agency} has {limit} open proposals; it may not have more.",
    "Withdraw one, or wait until one is approved or expires.",
)

# --- 13xx: waiting transactions (ledger.mempool) ---
ALREADY_WAITING = Cause("MV-1301", "The transaction waits for a block already.", "Nothing to do: ask for it by its id.")
BALLOT_CONFLICT = Cause(
    "MV-1302",
    "Another ballot of this key in poll {poll} waits for a block: {first}.",
    "Wait until that one is committed; where re-voting is allowed, send the next revision then.",
)
POOL_FULL = Cause(
    "MV-1303",
    "The node holds as many waiting transactions of this submitter as it can.",
    "Send it again a little later; the same bytes are safe to repeat.",
)
DEFINITION_REPLACED = Cause(
    "MV-1304",
    "Poll {poll} was given another definition since the ballot was received.",
    "Read the poll as it is now, and sign the ballot again.",
)

# --- 408x: the state in the store (ledger.state) ---
NO_STATE = Cause(
    "MV-4080",
    "The store holds no state.",
    "Start the node with its genesis file, or put back the data directory that it had.",
)
STATE_RECORD_MISSING = Cause(
    "MV-4081",
    "The store lacks {what}, which other records name.",
    "Stop the node and build its data directory anew from the other agencies.",
)

# --- 410x-411x: taking and restoring snapshots (node.snapshots, node.restoring, app) ---
STORE_UNFINISHED = Cause(
    "MV-4100",
    "The database holds only a part of a snapshot: joining the chain was interrupted.",
    "Run mvchain join again for this home; it goes on with what it has.",
)

NOT_FILLED_IN = Cause(
    "MV-4110",
    "This node joined the chain by a snapshot and does not hold {what} yet; {left} steps of filling in are left.",
    "Ask another node, or this one again in about {retry_after_s} s.",
)
CHUNK_DAMAGED = Cause(
    "MV-4101",
    "Chunk {index} of the snapshot in {path} is damaged.",
    "Look at the disk, then run mvchain join again; it fetches the chunk anew.",
)

# --- 31xx: election files (ledger.pabulib) ---
ELECTION_SYNTAX = Cause(
    "MV-3101",
    "Line {line} of the election file cannot be read: {why}.",
    "Check it against the .pb format of Pabulib.",
)
ELECTION_META = Cause(
    "MV-3102",
    "The election file says {key} = {value!r}, which is not {expected}.",
    "Correct the META section.",
)
ELECTION_TRUNCATED = Cause(
    "MV-3103",
    "The election file announces {announced} {what} but holds {found}.",
    "Fetch the file again; it looks cut off.",
)
ELECTION_KIND = Cause(
    "MV-3104",
    "The election file holds ballots of the kind {kind!r}.",
    "Use a file of kind choose-1, approval, cumulative or ordinal.",
)

# --- 20xx: blocks, commits, evidence (ledger.validators, .blocks, .endorsements, .commits, .evidence) ---
VALIDATOR_KEY_LENGTH = Cause(
    "MV-2001", "A validator key has {size} bytes instead of 32.", "Get the validator set from another node."
)
VALIDATOR_POWER = Cause(
    "MV-2002",
    "A validator or the whole set has power {power}, which is not from 1 to {limit}.",
    "Get the validator set from another node.",
)
VALIDATOR_TWICE = Cause(
    "MV-2003",
    "The validator {address} is in the validator set twice.",
    "Get the validator set from another node.",
)
TOO_MANY_VALIDATORS = Cause(
    "MV-2004",
    "The validator set has {count} members; at most {limit} are allowed.",
    "Get the validator set from another node.",
)
BAD_HEADER = Cause(
    "MV-2010",
    "The header of height {height} has an invalid {field}: {why}.",
    "Do not trust whoever made it; ask another node.",
)
BAD_COMMIT_FORM = Cause(
    "MV-2011",
    "The commit for height {height} is not well formed: {why}.",
    "Do not trust whoever made it; ask another node.",
)
BAD_COMMIT_ENTRY = Cause(
    "MV-2012",
    "Entry {index} of the commit for height {height} is not well formed: {why}.",
    "Do not trust whoever made it; ask another node.",
)
BAD_ENDORSEMENT = Cause(
    "MV-2013",
    "A prevote or precommit has an invalid {field}: {why}.",
    "Do not trust whoever made it; ask another node.",
)
BAD_PROPOSAL = Cause(
    "MV-2014",
    "A proposal has an invalid {field}: {why}.",
    "Do not trust whoever made it; ask another node.",
)
COMMIT_HEIGHT = Cause(
    "MV-2020", "The commit is for height {height}, not {expected}.", "Get the commit of the right height."
)
COMMIT_BLOCK = Cause(
    "MV-2021",
    "The commit for height {height} is for another block than the one shown.",
    "Do not trust whoever put the two together; ask another node.",
)
COMMIT_COUNT = Cause(
    "MV-2022",
    "The commit for height {height} has {count} entries for {expected} validators.",
    "Get commit and validator set of the same height.",
)
COMMIT_ADDRESS = Cause(
    "MV-2023",
    "Entry {index} of the commit for height {height} names {address}, not the validator at that place.",
    "Do not trust whoever made it; ask another node.",
)
COMMIT_SIGNATURE = Cause(
    "MV-2024",
    "The signature in entry {index} of the commit for height {height} is not its validator's.",
    "Do not trust whoever made it; ask another node.",
)
COMMIT_POWER = Cause(
    "MV-2025",
    "The commit for height {height} holds power {power} of {total}, not more than two thirds.",
    "Wait for more precommits, or ask another node.",
)
EVIDENCE_PAIR = Cause(
    "MV-2030",
    "The two messages in the evidence differ in their {field}; together they prove nothing.",
    "Only two messages of one validator, kind, height and round for different blocks are evidence.",
)
EVIDENCE_ORDER = Cause(
    "MV-2031",
    "The two messages in the evidence are for the same block or in the wrong order.",
    "Put the message with the lower block id first.",
)
EVIDENCE_STRANGER = Cause(
    "MV-2032",
    "The evidence names {address} at place {index}, which is not a validator of height {height}.",
    "Check the evidence against the validator set of its own height.",
)
EVIDENCE_CONTEXT = Cause(
    "MV-2033",
    "The evidence states {field} {stated}; at height {height} it was {expected}.",
    "Build the evidence from the validator set and block time of its own height.",
)
EVIDENCE_SIGNATURE = Cause(
    "MV-2034",
    "A signature in the evidence against {address} at height {height} is not that validator's.",
    "Drop the evidence; whoever made it forged or damaged it.",
)

# --- 215x: evidence in blocks, forked commits (ledger.execution, node.candidates, node.evidence_pool) ---
EVIDENCE_NOT_NEW = Cause(
    "MV-2150",
    "The chain holds evidence of this double signing by {address} already, or {limit} others by it.",
    "Nothing needs to be done: the first evidence counts.",
)
EVIDENCE_EXPIRED = Cause(
    "MV-2151",
    "The evidence is of height {height}, too old for block {block_height}.",
    "Keep it for the agencies; the chain takes evidence for 48 hours and 100,000 blocks.",
)
EVIDENCE_UNDECIDED = Cause(
    "MV-2152",
    "The evidence is of height {height}, which is not below block {block_height}.",
    "Send it once its height is decided: it carries the time of that block.",
)
EVIDENCE_NO_HEADER = Cause(
    "MV-2153",
    "The evidence is of height {height}, below the oldest block of this node.",
    "Send it to a node that holds that block.",
)
CHAIN_FORKED = Cause(
    "MV-2154",
    "There are two valid commits for different blocks of height {height}. Signed both: {names}.",
    "Believe neither. Compare the chains of all agencies; `mvchain evidence` shows both commits.",
)
EVIDENCE_MALFORMED = Cause(
    "MV-2155", "The evidence is malformed at {name}: {why}.", "Send it as the method `block` shows evidence."
)

# --- 204x: the genesis document (ledger.genesis) ---
GENESIS_FAULTS = Cause(
    "MV-2040", "The genesis document has {count} faults: {faults}", "Correct all of them, then start again."
)
GENESIS_CHAIN_NAME = Cause(
    "MV-2041",
    "The chain name {name!r} is not 1 to {limit} of the characters a-z, 0-9 and hyphen.",
    "Choose another name.",
)
GENESIS_CHAIN_ID = Cause(
    "MV-2042",
    "The genesis document says chain id {stated!r}; its content gives {expected!r}.",
    "Get the unchanged document from the agencies and compare its hash with theirs.",
)
GENESIS_VALUE = Cause("MV-2043", "{field} is {value}, not from {lo} to {hi}.", "Choose a value in that range.")
GENESIS_AGENCY_COUNT = Cause(
    "MV-2044", "The document names {count} agencies, not {lo} to {hi}.", "Add or remove agencies."
)
GENESIS_AGENCY_NUMBER = Cause(
    "MV-2045",
    "The agency at place {expected} has number {number}.",
    "Number the agencies 1, 2, 3 and so on, in that order, and have them sign their entries so.",
)
GENESIS_AGENCY_NAME = Cause(
    "MV-2046",
    "The {field} of agency {number} is empty, longer than {limit} bytes, or not plain printable text.",
    "Give the agency a name of one line.",
)
GENESIS_KEY_UNSOUND = Cause(
    "MV-2047",
    "The {role} key of agency {number} is not a sound Ed25519 key.",
    "Make a new key with mvchain on the agency's own host.",
)
GENESIS_KEY_SHARED = Cause(
    "MV-2048",
    "The {role} key of agency {number} stands in the document twice.",
    "Use a new key for each role of each agency.",
)
GENESIS_KEY_PROOF = Cause(
    "MV-2049",
    "The entry of agency {number} is not signed by its {role} key for the chain {chain_name!r}.",
    "Have the agency make its entry again, with the same chain name and number.",
)
GENESIS_MEMBER_UNKNOWN = Cause(
    "MV-2050", "{where} has the unknown member {member!r}.", "Remove it, or correct its spelling."
)
GENESIS_MEMBER_MISSING = Cause("MV-2051", "{where} lacks the member {member!r}.", "Add it.")
GENESIS_MEMBER_WRONG = Cause("MV-2052", "Member {member!r} of {where} is not {expected}.", "Correct its value.")

# --- 21xx: peers (node.wire, node.handshake, node.peer, node.transport, node.gossip) ---
UNKNOWN_MESSAGE = Cause(
    "MV-2101", "The peer sent a message of the unknown type {type}.", "Run the same version on both nodes."
)
UNASKED_ANSWER = Cause(
    "MV-2102", "The peer sent an answer ({what}) that nobody had asked for.", "Send answers to requests only."
)
PROTOCOL_VERSION_DIFFERS = Cause(
    "MV-2110",
    "The other node speaks version {theirs} of the peer protocol, this one version {ours}.",
    "Bring both nodes to the same release.",
)
GENESIS_DIFFERS = Cause(
    "MV-2111",
    "The other node belongs to the chain with genesis {theirs}, this one to {ours}.",
    "Compare the genesis files and the addresses of the peers.",
)
UNKNOWN_NODE_KEY = Cause(
    "MV-2112",
    "The node key {key} is neither an agency's on the chain nor a configured observer's.",
    "Ask the operator to add the key, or follow the chain through the public API.",
)
SELF_CONNECTION = Cause("MV-2113", "The node reached itself.", "Take its own address and key out of the list of peers.")
WEAK_EPHEMERAL_KEY = Cause("MV-2114", "The other side sent an ephemeral key of low order.", "Send a fresh random key.")
BAD_HANDSHAKE = Cause(
    "MV-2115", "The other side broke the order or form of the handshake: {why}.", "Send hello, then proof of identity."
)
HANDSHAKE_NOT_AUTHENTIC = Cause(
    "MV-2116",
    "The handshake was altered on its way, or its signature does not hold.",
    "Look for a device between the nodes that changes traffic.",
)
WRONG_ADDRESSEE = Cause(
    "MV-2117",
    "The other node wanted to reach the node {wanted}; this is {ours}.",
    "Correct the address or the key in its list of peers.",
)
UNEXPECTED_NODE_KEY = Cause(
    "MV-2118",
    "The node {wanted} was expected at this address; {found} answered.",
    "Correct the address or the key in the list of peers.",
)
FRAME_SIZE = Cause(
    "MV-2120",
    "The peer announced a frame of {size} bytes; {least} to {most} are allowed.",
    "Send frames within these bounds.",
)
FRAME_NOT_AUTHENTIC = Cause(
    "MV-2121",
    "A frame from the peer was altered, repeated, left out or sent out of order.",
    "Connect again; look for a device between the nodes that changes traffic.",
)
HANDSHAKE_TIMEOUT = Cause(
    "MV-2130", "The handshake was not over after {seconds} s.", "Look at the network between the nodes."
)
PEER_SILENT = Cause(
    "MV-2131",
    "The peer sent nothing for {silence} s, or no whole frame for {frame} s.",
    "Look at the network between the nodes and at the load of the peer.",
)
PEER_NOT_READING = Cause(
    "MV-2132",
    "The peer took none of the waiting bytes for {seconds} s.",
    "Look at the network between the nodes and at the load of the peer.",
)
DUPLICATE_CONNECTION = Cause(
    "MV-2133",
    "The two nodes have another connection, which they keep.",
    "None is needed, unless it goes on: then two machines run with this node key; stop one.",
)
TOO_MANY_CONNECTIONS = Cause(
    "MV-2134",
    "Too many connections from {address} wait for their handshake.",
    "Wait some seconds before connecting again.",
)
GOODBYE_FROM_PEER = Cause(
    "MV-2135", "The peer closed the connection with {code!r}: {reason!r}.", "See what the code says."
)
CANNOT_LISTEN_FOR_PEERS = Cause(
    "MV-2136",
    "The node cannot listen for peers on {host} port {port}: {why}.",
    "Choose a free port and an address of this machine.",
)
CONNECTS_TOO_OFTEN = Cause(
    "MV-2137",
    "The node connected {count} times in {seconds} s.",
    "Find out why its connections end, and wait some seconds before connecting again.",
)

# --- 216x-217x: snapshots of others (ledger.snapshot, node.joining) ---
SNAPSHOT_WRONG = Cause(
    "MV-2160",
    "The snapshot is not of the state that the chain has agreed on: {why}.",
    "Get it from other nodes; those that offered it lie or are damaged.",
)

PAST_BLOCK_WRONG = Cause(
    "MV-2161",
    "What was sent as block {height} is not the one that the next header names: {why}.",
    "Get it from another node.",
)
FINAL_PROOF_WRONG = Cause(
    "MV-2162",
    "What was sent as the final proof of poll {poll} does not lead to the header of its height.",
    "Get it from another node.",
)

PEER_NO_ANSWER = Cause("MV-2163", "The node {peer} did not answer in time.", "Look at it and at the network between.")
SNAPSHOT_GONE = Cause(
    "MV-2164",
    "No node hands out the snapshot of height {height} that it offered.",
    "Run mvchain join again; a newer snapshot may be there.",
)

# --- 312x: joining a running chain (node.join, cli.join) ---
JOIN_NEEDS_NAMES = Cause(
    "MV-3121",
    "The home {home} is new, and {option} is missing.",
    "Give the names of your agency and the number that the others agree to; the entry for them is made of these.",
)
JOIN_NEEDS_PEERS = Cause(
    "MV-3122",
    "No node is named that the chain could be had from.",
    "Name some with --peer KEY@HOST:PORT, as the other agencies tell you.",
)
JOIN_BAD_PEER = Cause("MV-3123", "--peer {peer}: {why}.", "See mvchain join --help.")
NOBODY_TO_JOIN = Cause(
    "MV-3120",
    "None of the nodes that were named could be reached, or let this one in.",
    "Check address and key of each; their operators have to put this node's key under [p2p] observers, and "
    "start them anew.",
)

# --- 22xx: blocks being decided (node.candidates, node.replica) ---
COMPACT_PROPOSAL_MISMATCH = Cause(
    "MV-2201",
    "The parts of the proposal for height {height} are not those its block id names.",
    "The peer altered it or is of another version; it is asked for again from others.",
)
WRONG_HEADER_FIELD = Cause(
    "MV-2202",
    "Block {height} has a wrong {field}.",
    "The block is refused; if every block is, compare the versions and genesis files of the nodes.",
)
FORGED_SIGNATURE = Cause(
    "MV-2204",
    "The signature of {what} at height {height} is not its validator's.",
    "The peer forged or damaged it; the connection is closed.",
)
CHAIN_DIVERGED = Cause(
    "MV-4090",
    "Block {height} was committed by the agencies, but this node cannot execute it: {why}",
    "Stop; compare this node's version and genesis file with the other agencies' before starting it again.",
)

# --- 310x: governance on the command line (cli.key_requests, cli.keys) ---
BAD_REPLACEMENT = Cause(
    "MV-3100",
    "{path} does not ask for new keys of an agency of this chain: {why}.",
    "Have the agency make it anew: mvchain keys next.",
)

# --- 1440: governance in the API (api.rest) ---
PROPOSAL_UNKNOWN = Cause(
    "MV-1440", "There is no proposal {proposal} on this chain.", "The list is at /v1/governance/proposals."
)

# --- 60xx: requests to the public API (api.errors says with which HTTP status) ---
NOT_HTTP = Cause("MV-6001", "The request is not valid HTTP/1.1.", "Use a sound HTTP client and try again.")
REQUEST_HEAD_TOO_LARGE = Cause(
    "MV-6002",
    "The request line or a header is longer than allowed.",
    "Send no cookies and no long headers.",
)
ROUTE_UNKNOWN = Cause("MV-6003", "Nothing is served under this path.", "See /v1/openapi.json for what is.")
METHOD_NOT_ALLOWED = Cause(
    "MV-6004", "This path does not take this method, only {allowed}.", "Use a method that it takes."
)
MEDIA_TYPE_UNKNOWN = Cause(
    "MV-6005",
    "The Content-Type of the request is not one of {allowed}.",
    "Send the body as one of these and say so in Content-Type.",
)
BODY_ENCODED = Cause("MV-6006", "The request has a Content-Encoding.", "Send the body as it is, without compression.")
BODY_TOO_LARGE = Cause(
    "MV-6007", "The body of the request is larger than {limit} bytes.", "Split it over several requests."
)
BODY_TOO_SLOW = Cause(
    "MV-6008",
    "The body did not arrive within {seconds} s at {bytes_per_s} bytes per second or more.",
    "Send it again over a faster connection, or less at once.",
)
BODY_UNEXPECTED = Cause("MV-6009", "This path takes no body.", "Send the request without a body.")
PARAMETER_UNKNOWN = Cause(
    "MV-6010",
    "The query has a parameter that this path does not know; it knows {allowed}.",
    "Remove it, or correct its spelling.",
)
PARAMETER_REPEATED = Cause("MV-6011", "The query has a parameter twice.", "Give each parameter once.")
PARAMETER_WRONG = Cause("MV-6012", "The parameter {name} is not {expected}.", "Correct its value.")
FIELD_UNKNOWN = Cause(
    "MV-6013", "{what} does not have exactly the members {expected}.", "Send these members and no others."
)
BATCH_COUNT = Cause(
    "MV-6014",
    "The request holds {count} transactions; 1 to {limit} are allowed.",
    "Send at least one, and split larger batches.",
)
NOT_BASE64 = Cause(
    "MV-6015", "Item {item} of the request is not base64.", "Encode the bytes of each transaction as base64."
)
SERVER_BUSY = Cause(
    "MV-6016",
    "The node answers as many readers as it may without slowing the ledger down.",
    "Ask again in {retry_after_s} s, or ask another node.",
)
ANSWER_LATE = Cause(
    "MV-6017",
    "The node did not finish within {seconds} s; what was sent may still have been received.",
    "Ask for the transaction by its id, or send the same bytes again: that is safe.",
)
EXPECTATION_UNKNOWN = Cause(
    "MV-6018", "The request has an Expect header other than 100-continue.", "Send it without that header."
)
TRANSACTION_UNKNOWN = Cause(
    "MV-6020",
    "This node knows no such transaction.",
    "Check the id; if you have the transaction, send it again: that is safe.",
)
POLL_UNKNOWN = Cause("MV-6021", "There is no poll {poll} on this chain.", "See /v1/polls for those there are.")
BLOCK_UNKNOWN = Cause(
    "MV-6022",
    "Block {height} is not here.",
    "See /v1/status for the heights that are, or ask another node.",
)
BALLOT_UNKNOWN = Cause(
    "MV-6023", "No accepted ballot has this id.", "Check the id; a receipt is given for accepted ballots only."
)
RECEIPT_NOT_YET = Cause(
    "MV-6024",
    "The ballot is not yet under a block that proves its acceptance.",
    "Ask again in {retry_after_s} s.",
)
CODE_UNKNOWN = Cause("MV-6025", "No error has this code.", "Check the code; it looks like MV-6003.")
INTERNAL = Cause("MV-6030", "The node failed to answer; its operator finds the cause in its log.", "Ask another node.")
HTTP_PARSER_MISSING = Cause(
    "MV-6031",
    "aiohttp is installed without its C parser, whose strictness the public API relies on.",
    "Install aiohttp from a wheel that has it.",
)

CANNOT_LISTEN = Cause(
    "MV-6032",
    "The public API cannot listen on {host} port {port}: {why}.",
    "Choose an address of this machine and a port that nothing else uses.",
)

# --- 603x: proofs (api.proof_view, api.rest) ---
POLL_NOT_FINAL = Cause(
    "MV-6034",
    "Poll {poll} is {state}; what counts is known only once a poll is final.",
    "Ask again when the poll has ended. A void poll has no result.",
)
VOTER_NOT_ON_ROLL = Cause("MV-6035", "The key is not on the roll of poll {poll}.", "Check the key and the poll.")
FEWER_BALLOTS = Cause(
    "MV-6036",
    "Poll {poll} is proved to have {have} ballots on record, not {size}.",
    "Ask with a size from 1 to that number; newer ballots are proved a block later.",
)
BALLOT_COUNTS = Cause(
    "MV-6037",
    "A ballot of this key counts in poll {poll}.",
    "Ask for the receipt of that ballot.",
)
RECEIPT_NUMBER_UNKNOWN = Cause(
    "MV-6038",
    "No ballot on record has this receipt number.",
    "Compare it with the number that you were given. Ballots appear within seconds.",
)

# --- 608x: receipt numbers (light.receipt_number) ---
RECEIPT_NUMBER_CHARACTER = Cause(
    "MV-6080",
    "The character {char!r} does not occur in receipt numbers; nor do 0, O, 1, I and L.",
    "Compare the number with your receipt and type it again.",
)
RECEIPT_NUMBER_LENGTH = Cause(
    "MV-6081",
    "A receipt number has {length} characters; {have} were given.",
    "Compare the number with your receipt and type it again.",
)
RECEIPT_NUMBER_CHECK = Cause(
    "MV-6082",
    "The receipt number has a typing mistake: its last character does not match the others.",
    "Compare the number with your receipt, character by character.",
)

# --- 605x: what a client of the API meets (api.client) ---
SERVER_UNREACHABLE = Cause(
    "MV-6050", "No answer from {url}: {why}.", "Check the address and the network, or ask another node."
)
ANSWER_TOO_LARGE = Cause(
    "MV-6051", "The answer of {url} is larger than {limit} bytes.", "Ask another node; this one misbehaves."
)
ANSWER_MALFORMED = Cause(
    "MV-6052",
    "The answer of {url} is not what the interface promises: {why}.",
    "Check that the address is that of an mvchain node of this version.",
)

# --- 50xx: receipts (light.receipts, light.verify) ---
MALFORMED_RECEIPT = Cause(
    "MV-5001",
    "The receipt is malformed at {name}: {why}.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
UNKNOWN_RECEIPT_FORMAT = Cause(
    "MV-5002",
    "The file says its format is {form!r}; this program knows {known!r}.",
    "Use a newer version of this program.",
)
RECEIPT_OF_ANOTHER_CHAIN = Cause(
    "MV-5003",
    "The file is of chain {chain!r}; the genesis file is of chain {trusted!r}.",
    "Use the genesis file of the chain that the file names.",
)
RECEIPT_VALIDATORS = Cause(
    "MV-5004",
    "The agencies named for block {height} are neither those of the genesis file nor those that it was handed over to.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_SIGNERS = Cause(
    "MV-5005",
    "The signatures for block {height} are not each of another agency, in the order of the set.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_NO_QUORUM = Cause(
    "MV-5006",
    "Only {have} of {of} agencies signed block {height}; more than two thirds are needed.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_HEADERS = Cause(
    "MV-5007",
    "Block {following} is not the one that follows block {height}.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_NOT_INCLUDED = Cause(
    "MV-5008",
    "Ballot {ballot} is not proved to be in block {height}.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_NOT_ACCEPTED = Cause(
    "MV-5009",
    "Block {height} is not proved to have accepted ballot {ballot} as the receipt says.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_OTHER_PLACE = Cause(
    "MV-5010",
    "The receipt proves ballot {ballot} at one place and an accepted ballot at another.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_TOO_MANY_SIGNERS = Cause(
    "MV-5011",
    "The file holds {have} signatures for block {height}; fewer are enough, and it may hold no more.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
RECEIPT_TIMES = Cause(
    "MV-5012",
    "Block {following} is not later than block {height}, which it follows.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)

# --- 502x-503x: proofs about a poll (light.proofs, light.verify) ---
MALFORMED_PROOF = Cause(
    "MV-5020",
    "The proof is malformed at {name}: {why}.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_RECORD = Cause(
    "MV-5021",
    "The record of poll {poll} is not proved to be in the state that block {height} commits to.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_QUESTION = Cause(
    "MV-5022",
    "The question shown is not the one that poll {poll} has on record.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_ON_ROLL = Cause(
    "MV-5023",
    "Key {voter} is not proved to be on the roll of poll {poll} with weight {weight}.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_RECORDED = Cause(
    "MV-5024",
    "The {size} ballots of before are not proved to be the first of the {now} ballots that poll {poll} has on record.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_NOT_FINAL = Cause(
    "MV-5025",
    "Poll {poll} is {state}; what counts is known only once a poll is final.",
    "Get the proof when the poll has ended.",
)
PROOF_BALLOT = Cause(
    "MV-5026",
    "Ballot {ballot} is not proved to be number {number} of poll {poll}.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_COUNTED = Cause(
    "MV-5027",
    "Ballot number {number} of poll {poll} is not proved to be the one of key {voter} that counts.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_SUPERSEDED = Cause(
    "MV-5028",
    "Ballot number {counted} cannot supersede number {number}: it is not a later one.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_ACCEPTED = Cause(
    "MV-5029",
    "Block {height} is not proved to say that ballot number {number} of poll {poll} is of key {voter}.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_NEIGHBOURS = Cause(
    "MV-5030",
    "The keys shown are not the two between which key {voter} would stand among the counted ballots of poll {poll}.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)
PROOF_RESULT = Cause(
    "MV-5031",
    "The result shown is not the one that poll {poll} has on record.",
    "Get the proof again from any node; if it fails again, send this file to two agencies.",
)

# --- 510x-511x: light blocks and what makes them believed (light.blocks, light.rules) ---
MALFORMED_LIGHT_BLOCK = Cause(
    "MV-5100",
    "The light block is malformed at {name}: {why}.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
UNKNOWN_LIGHT_FORMAT = Cause(
    "MV-5101",
    "The light block says its format is {form!r}; this program knows {known!r}.",
    "Use a newer version of this program.",
)
LIGHT_BLOCK_SIGNERS = Cause(
    "MV-5102",
    "The signatures for block {height} are not each of another validator, in the order of the set.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
LIGHT_BLOCK_ORDER = Cause(
    "MV-5103",
    "The validators of block {height} are not listed once each in the order of their addresses.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
LIGHT_BLOCK_CHAIN = Cause(
    "MV-5104",
    "Block {height} is of chain {chain!r}, not of {trusted!r}.",
    "Name nodes of the chain that you trust, or trust the genesis file of this one.",
)
LIGHT_BLOCK_HEIGHT = Cause(
    "MV-5105",
    "The commit beside the header of block {height} is for height {signed}.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
LIGHT_BLOCK_HASH = Cause(
    "MV-5106",
    "The commit beside the header of block {height} is for block {signed}; the header's hash is {hash}.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
LIGHT_BLOCK_VALIDATORS = Cause(
    "MV-5107",
    "The validators shown for block {height} are not those that its header names.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
LIGHT_BLOCK_POWER = Cause(
    "MV-5108",
    "A validator of block {height} has power {power}; on this chain each has {expected}.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
TRUST_EXPIRED = Cause(
    "MV-5110",
    "The newest block that is trusted, {height} of {time}, is older than {hours} hours: who signed then may no longer "
    "be bound by it.",
    "Get height and hash of a recent block from several agencies and begin with --trust, or trust the genesis file.",
)
NOT_LATER = Cause(
    "MV-5111",
    "Block {height} has time {time}, which is not later than {trusted_time}, the time of block {trusted} before it.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
NOT_HIGHER = Cause(
    "MV-5112",
    "Block {height} does not come after block {trusted}, which is trusted.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
FROM_THE_FUTURE = Cause(
    "MV-5113",
    "Block {height} has time {time}, more than {drift} s ahead of this computer's clock.",
    "Check the clock of this computer; if it is right, ask other nodes.",
)
NOT_NEXT_VALIDATORS = Cause(
    "MV-5114",
    "Block {height} is signed by other validators than block {trusted} before it announces.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
NOT_ENOUGH_TRUST = Cause(
    "MV-5115",
    "Of the validators of block {trusted}, those with power {power} of {total} signed block {height}; more than "
    "{numerator}/{denominator} is needed.",
    "Verify a block between the two first.",
)
NOT_THE_ONE_BEFORE = Cause(
    "MV-5116",
    "Block {height} is not the one that block {newer}, which is trusted, names as the one before it.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)
NOT_THE_TRUSTED_HASH = Cause(
    "MV-5117",
    "Block {height} has hash {hash}; trusted is {trusted}.",
    "Check height and hash with several agencies; if they are right, this node is on another chain or lies.",
)

NOT_THE_SIGNED_BODY = Cause(
    "MV-5118",
    "The {part} of block {height}, as the node gave it, is not what was signed.",
    "Ask other nodes; if only one gives such a block, it is broken or lies: tell its agency.",
)

# --- 512x-513x: several nodes and what is trusted (light.client, light.trust) ---
DIVERGENCE = Cause(
    "MV-5120",
    "The chain has two truths: block {height} with hash {hash} and block {other_height} with hash {other_hash} "
    "contradict each other, and both are signed by enough of the agencies.",
    "Believe neither. Send the evidence file to all agencies and make it public.",
)
NO_GOOD_NODE = Cause(
    "MV-5121",
    "No node gave a block that could be verified. {reasons}",
    "Check the network and the addresses, or name other nodes.",
)
NO_WITNESS = Cause(
    "MV-5122",
    "No second node confirms block {height}, so it is not trusted.",
    "Wait until another node answers, or name more nodes, of other agencies.",
)
TOO_FAR = Cause(
    "MV-5123",
    "From block {trusted}, which is trusted, to block {height} takes more than {limit} blocks.",
    "Ask for blocks in between first, or begin with --trust nearer to it.",
)
WRONG_HEIGHT = Cause(
    "MV-5124",
    "The node gave block {height} where block {expected} was asked for.",
    "Ask other nodes, and tell the agency that runs it.",
)
BEHIND = Cause(
    "MV-5125",
    "The node has only {has} blocks, where others have {height}.",
    "Nothing, if it catches up; otherwise tell the agency that runs it.",
)
CONTRADICTS_THE_ROOT = Cause(
    "MV-5126",
    "The node shows a block {height} with hash {hash}, which contradicts what is trusted from the beginning.",
    "Check with several agencies that --trust names the right block; if it does, tell the agency that runs the node.",
)
UNDECIDED = Cause(
    "MV-5127",
    "{node} contradicts block {height}, and who is right could not be found out: {why}",
    "It is tried again. If this stays, ask the agency of that node, and name other nodes only if it cannot explain it.",
)
TOO_SLOW = Cause(
    "MV-5128",
    "Block {height} was not asked for any more: the node took more than {seconds} s for those on the way to it.",
    "Nothing, if other nodes are faster; otherwise begin with --trust at a later block.",
)
STATE_OF_ANOTHER_ROOT = Cause(
    "MV-5130",
    "The file of trusted blocks was written with another genesis file or another --trust.",
    "Name another file, or delete this one: the blocks are fetched again.",
)
STATE_NOT_VERIFIED = Cause(
    "MV-5131",
    "The file of trusted blocks is damaged or was changed: {why}",
    "Find out who may have written to it, and delete it: the blocks are fetched again.",
)

# --- 514x: what nodes answer to a light client (light.fetch_http, light.fetch_rpc) ---
NODE_REFUSED = Cause(
    "MV-5140",
    "The node at {url} refused the request, with status {status} and code {code}.",
    "See what the code means, or ask another node.",
)
MALFORMED_RPC_ANSWER = Cause(
    "MV-5141",
    "The node's answer is malformed at {name}: {why}.",
    "Check that the address is that of a node with CometBFT's JSON-RPC, or ask another node.",
)

# --- 5142-5149: what cannot be verified does not pass (light.follower, api.light_proxy) ---
NEEDS_GENESIS = Cause(
    "MV-5142",
    "Without the genesis file this light client cannot verify that.",
    "Start it with --genesis as well.",
)
ANOTHER_ANSWER = Cause(
    "MV-5143",
    "What the node proved is not what was asked for: {what}.",
    "Ask other nodes, and tell the agency that runs it.",
)
NOT_ON_THIS_CHAIN = Cause(
    "MV-5144",
    "What the node proved rests on another block {height} than the one that was verified.",
    "Keep the answer and send it to all agencies: a quorum may have signed two blocks.",
)
STALE_PROOF = Cause(
    "MV-5145",
    "The node proved what held at block {height}; block {newest} is verified already.",
    "Ask again in a moment, or name other nodes.",
)
NOT_PROVABLE = Cause(
    "MV-5146",
    "The node says, and it cannot be verified, that the transaction is {state}: only that it is in a block can.",
    "Ask again later, or ask the node itself and believe it.",
)
NO_REST_NODE = Cause(
    "MV-5147",
    "None of the nodes is asked over the REST API, which alone gives that.",
    "Name a node without rpc+ before its address.",
)

NOT_VERIFIED_IN_TIME = Cause(
    "MV-5148",
    "The nodes did not give what can be verified within {seconds} s.",
    "Ask again, or name other nodes.",
)

# --- 515x: from the agencies of genesis to those that signed a proof (light.handovers) ---
HANDOVER_VALIDATORS = Cause(
    "MV-5150",
    "The validators shown for block {height}, where the chain was handed over, are not those that its header names.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
HANDOVER_ORDER = Cause(
    "MV-5151",
    "Block {height} does not come after block {before}, where the chain was handed over.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
HANDOVER_TO_NOBODY = Cause(
    "MV-5152",
    "Block {height} is shown as one where the chain was handed over, but the same validators go on.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
HANDOVER_NOT_TRUSTED = Cause(
    "MV-5153",
    "Block {height}, where the chain was handed over, is signed by too few of the validators who were trusted before.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)
HANDOVER_SUPERFLUOUS = Cause(
    "MV-5154",
    "The way to block {after} needs no block {height}, and may hold none.",
    "Get the receipt again from any node; if it fails again, send this file to two agencies.",
)

# --- 304x: the command line of the light client (light.transport, cli.light) ---
BAD_NODE_ADDRESS = Cause(
    "MV-3040",
    "{url!r} is not the address of a node.",
    "Write it as http://HOST:PORT or https://HOST, with rpc+ before it where the node is asked over JSON-RPC.",
)

BAD_LIGHT_OPTION = Cause("MV-3041", "{option} {value}: {why}.", "See mvchain light --help.")
NO_TRUST_ROOT = Cause(
    "MV-3042",
    "Nothing is named that the light client could trust.",
    "Name the genesis file with --genesis, or height and hash of a block, from several agencies, with --trust.",
)
ONE_NODE = Cause(
    "MV-3043",
    "Only one node is named, and nobody to contradict it.",
    "Name a second one, of another agency, with --node; or say --believe-a-single-node.",
)

# --- 309x: files named on a command line (light.__main__, cli) ---
CANNOT_READ_FILE = Cause("MV-3090", "{path} cannot be read: {why}.", "Check the path and the permissions.")
FILE_TOO_LARGE = Cause("MV-3091", "{path} is larger than {limit} bytes.", "It is not the file that is meant here.")

# --- 139x: the way into the node (node.intake, node.judge) ---
POLL_HAS_CLOSED = Cause(
    "MV-1390",
    "Poll {poll} takes no more ballots: its closing time has passed.",
    "The ballot came too late; nothing can be done.",
)
BAD_SIGNATURE = Cause(
    "MV-1391",
    "The signature of transaction {tx} is not its signer's for this chain and poll definition.",
    "Sign the payload with the genesis hash and the definition hash that this chain has for the poll.",
)
REJECTED_EARLIER = Cause(
    "MV-1393",
    "The transaction was received and rejected before this node was restarted.",
    "The code says why; send it again if the reason is gone: a refusal binds nothing.",
)
NODE_BUSY = Cause(
    "MV-1392",
    "This node has as many transactions under way as it can take.",
    "Send the same bytes again after the seconds that Retry-After names, or to another node.",
)
NODE_BEHIND = Cause(
    "MV-1394",
    "This node is behind the other agencies and cannot judge the transaction yet: {why}",
    "Send the same bytes to another node, or to this one after the seconds that Retry-After names.",
)
BAD_SETTINGS = Cause(
    "MV-3080",
    "{path} has faults: {faults}.",
    "Correct each line; node.toml.example shows every setting with its unit and default.",
)

# --- 313x: backups (node.backup, node.checkpoint) ---
BACKUP_DAMAGED = Cause(
    "MV-3130",
    "{path} is not a whole backup: {why}.",
    "Take another copy of it; without one, start the node on an empty store: it fetches the blocks from the others.",
)
BACKUP_SIGNER_UNKNOWN = Cause(
    "MV-3131",
    "{path} is signed with the key {key}, which no agency of its genesis file has.",
    "If that is the node or agency key of an agency that changed its keys since, name it with --signed-by.",
)
BACKUP_OF_OTHER_CHAIN = Cause(
    "MV-3132",
    "{path} is a backup of chain {chain}, and {place} belongs to chain {own}.",
    "Name the home or the genesis file of the chain of the backup.",
)
STORE_EXISTS = Cause(
    "MV-3133",
    "{path} holds blocks already.",
    "Start the node as it is, or add --replace-store to put the blocks of the backup in their place.",
)
PLAIN_KEY_IN_BACKUP = Cause(
    "MV-3134",
    "The key file {path} is not encrypted, so whoever reads the backup could sign as this agency.",
    "Leave --with-keys out.",
)
NOTHING_TO_BACK_UP = Cause(
    "MV-3135", "There is no database {path}.", "Name the home of a node that has run with --home."
)
STORE_NOT_COPIED = Cause(
    "MV-3136",
    "No copy of the database {path} could be made at one moment.",
    "Try again; if it fails each time, stop the node, which then tells whether its database is damaged.",
)

# --- 400x: files (node.files, node.framing) ---
DISK_FAILED = Cause(
    "MV-4001",
    "The disk refused to {operation} {path}: {why}.",
    "Correct the path or its permissions, free space, or replace the disk; then start again, which is safe.",
)
DISK_FULL = Cause(
    "MV-4002",
    "The disk that holds {path} has {free} bytes left; the node keeps {least} free.",
    "Free space, then start the node again.",
)
NEWER_FORMAT = Cause(
    "MV-4003",
    "{path} has format version {version}; this program knows version {known}.",
    "Use the program version that wrote it, or a newer one.",
)
OLDER_FORMAT = Cause(
    "MV-4008",
    "{path} has format version {version}; this program needs version {known}.",
    "Move it away and start again: the node fetches the blocks from the other agencies.",
)
FILE_IN_USE = Cause(
    "MV-4004",
    "{path} is held by another process.",
    "Stop the other node that uses these files. Never run two nodes with one key.",
)
RECORD_DAMAGED = Cause(
    "MV-4005",
    "Record {record} of {path}, at byte {offset}, is damaged, and there are records behind it.",
    "{remedy}",
)
FILE_DAMAGED = Cause("MV-4006", "{path} is not what this node wrote: {why}.", "{remedy}")

# --- 401x: the database of blocks and state (node.store) ---
STORE_DAMAGED = Cause(
    "MV-4011",
    "The database {path} is damaged: {why}.",
    "Set the directory aside and start again: the node fetches the blocks from the other agencies.",
)
STORE_FOREIGN = Cause(
    "MV-4012",
    "The database {path} was not made by mvchain.",
    "Give the node a directory of its own.",
)

TRANSACTION_MISSING = Cause(
    "MV-4013",
    "Transaction {index} of block {height} is not in the database.",
    "Set the database aside and start again: the node fetches the blocks from the other agencies.",
)

# --- 403x: the sign guard (node.guard) ---
GUARD_REFUSES = Cause(
    "MV-4031",
    "The sign guard stands at {stands} and does not sign {asked}.",
    "Nothing to do after a restart. If it goes on, another copy of this key or an old copy of the guard is in use.",
)
GUARD_DAMAGED = Cause(
    "MV-4032",
    "The sign guard {path} is damaged: {why}.",
    "Never put back an older copy. Set it aside: the node then signs nothing for 10 heights.",
)
GUARD_FOREIGN = Cause(
    "MV-4033",
    "The sign guard {path} belongs to validator {address} of chain {chain_id}.",
    "Put back the genesis file and the validator key that it was made with; a guard serves no other key or chain.",
)

# --- 414x: states that an operator has to know of (node.alarms, node.guard, node.vitals) ---
DISK_NEARLY_FULL = Cause(
    "MV-4140",
    "The disk that holds {path} has less than {least} bytes left; this node takes no ballots, and follows the chain.",
    "Free space: it takes ballots again by itself. Send ballots to another node meanwhile.",
)
KEY_USED_TWICE = Cause(
    "MV-4141",
    "The validator key has signed the {what}, and not here: another copy of it is in use, or the guard was put back.",
    "Stop the other copy; then start with --vouch-no-other-copy-signed. If nobody knows of one, replace the key.",
)

STANDSTILL = Cause(
    "MV-4142",
    "Height {height} is not decided for {seconds} s; in round {round}, nothing was heard from: {missing}.",
    "Ask them whether their nodes run and are connected; it goes on once more than two thirds take part. If nobody is "
    "heard, look at this machine's network, and for a second machine that runs with the keys of this one.",
)
CLOCK_DIFFERS = Cause(
    "MV-4143",
    "The clock of this machine is {seconds} s {direction} of the time that the agencies agree on.",
    "Have it follow a time server: polls close for this node's ballots by its clock.",
)

# --- 404x: the journal (node.journal) ---
JOURNAL_FULL = Cause(
    "MV-4041",
    "The journal of received transactions is full at {limit} bytes.",
    "Send the same bytes again after the seconds that Retry-After names, or to another node.",
)

# --- 300x: key files (node.keystore) ---
KEY_FILE_MISSING = Cause("MV-3001", "There is no key file {path}.", "Make the key, or correct the path.")
KEY_FILE_EXISTS = Cause(
    "MV-3002", "The key file {path} exists already.", "Choose another path; a key is never overwritten."
)
KEY_FILE_MODE = Cause(
    "MV-3003",
    "The key file {path} has mode {mode}; others than its owner may use it.",
    "Run chmod 600 on it, and replace the key if others had access to this machine.",
)
KEY_FILE_DAMAGED = Cause(
    "MV-3004", "The key file {path} is not one: {why}.", "Put back the copy that was made with the key."
)
KEY_FILE_PLAIN = Cause(
    "MV-3005",
    "The key file {path} is not encrypted.",
    "Make the keys anew with a passphrase; allow_plain under [keys] in node.toml is for local test networks only.",
)
KEY_FILE_ENCRYPTED = Cause(
    "MV-3009",
    "The key file {path} is encrypted, and the settings say that keys are plain.",
    "Set allow_plain = false under [keys] in node.toml.",
)
PASSPHRASE_WRONG = Cause(
    "MV-3006", "The passphrase does not open the key file {path}.", "Give the one it was made with."
)
PASSPHRASE_TOO_SHORT = Cause("MV-3007", "The passphrase has fewer than {least} bytes.", "Choose a longer one.")
KDF_OUT_OF_RANGE = Cause(
    "MV-3008",
    "Argon2id with {operations} passes over {memory_bytes} bytes is outside what key files allow.",
    "Use at least 2 passes over 19 MiB or 1 over 46 MiB, and at most 16 passes over 1 GiB.",
)

# --- 606x: operators and voters at the API (api.operator) ---
NOT_COMMITTED_YET = Cause(
    "MV-6060",
    "Transaction {tx} was received, but is in no block after {seconds} s.",
    "Look whether the chain moves (mvchain status) and ask for the transaction again later; to send it again is safe.",
)
ROLL_DIFFERS = Cause(
    "MV-6061",
    "Roll {roll} holds {size} keys already, and they are not the first of this list.",
    "Go on with the list it was begun with, or make a new roll.",
)
ROLL_ENTRY_TWICE = Cause("MV-6062", "The key {key} stands twice in the list for the roll.", "Take one of the two out.")
ROLL_ENTRY_UNSOUND = Cause(
    "MV-6063",
    "{key} in the list for the roll is no key that a voter can have.",
    "Correct it: 33 bytes, the first of them 01, and the rest an Ed25519 public key.",
)
ROLL_LIST_EMPTY = Cause("MV-6064", "The list for the roll is empty.", "Name at least one voter.")
NOT_FINAL_YET = Cause(
    "MV-6065",
    "Poll {poll} is {state} and has no final totals after {seconds} s.",
    "It is counted from {due}: ask again then, and look whether the chain moves (mvchain status).",
)
NO_GENESIS = Cause(
    "MV-3081", "There is no genesis file at {path}.", "Put the agencies' file there: mvchain genesis install FILE."
)
OTHER_GENESIS = Cause(
    "MV-3082",
    "The data in this home is of genesis {stored}, the genesis file is {given}.",
    "Start with the genesis file that the data was made with, or with an empty data directory and new keys.",
)

# --- 302x: the home of a node and the genesis ceremony (node.home, cli.genesis) ---
HOME_EXISTS = Cause(
    "MV-3021",
    "{home} is the home of a node already: {path} is there.",
    "Choose another directory with --home; keys are never overwritten.",
)
NO_HOME = Cause(
    "MV-3022", "{home} is not the home of a node.", "Make it with mvchain init, or name another with --home."
)
HOME_OF_OTHER_CHAIN = Cause(
    "MV-3023",
    "{home} belongs to chain {chain} already.",
    "Make another home; a validator key serves one chain only.",
)
NOT_IN_GENESIS = Cause(
    "MV-3024",
    "{what} is not in the genesis file of chain {chain}.",
    "Hand in the entry of this home, or use the home whose entry was handed in.",
)
BAD_ENTRY_FILE = Cause(
    "MV-3025",
    "{path} is not a sound entry for the chain {chain_name}: {why}",
    "Ask the agency for its entry.json again, made with this chain name.",
)
GENESIS_HASH_DIFFERS = Cause(
    "MV-3026",
    "The hash of {path} is {found}, not {expected}.",
    "Do not use this file: compare it with the other agencies' before anything else.",
)
FILE_EXISTS = Cause("MV-3027", "{path} exists already.", "Choose another path; it is not overwritten.")

# --- 303x: passphrases and files on a command line (cli) ---
PASSPHRASE_FILE_MODE = Cause(
    "MV-3031",
    "The passphrase file {path} has mode {mode}; others than its owner may read it.",
    "Run chmod 600 on it, and change the passphrase if others had access to this machine.",
)
NO_TERMINAL = Cause("MV-3032", "There is no terminal to ask for {what}.", "Give it with {option}.")
BAD_LINE = Cause("MV-3033", "Line {line} of {path}: {why}.", "Correct the line; {form}.")
BAD_TIME = Cause("MV-3034", "{text!r} is not a time with its offset.", "Write it like 2026-03-02T09:00:00+09:00.")
BAD_POLL_FILE = Cause("MV-3035", "{path} is not a poll file: {why}.", "See mvchain poll create --help for its form.")
BAD_HEX = Cause("MV-3036", "{text!r} is not {what}.", "Give {size} bytes as {digits} hex digits.")
BAD_KEY_REQUEST = Cause(
    "MV-3037",
    "{path} is not a request to register a key of this chain as {role}: {why}.",
    "Have the owner of the key make it anew with this chain's genesis file: mvchain keys request.",
)
NO_SUCH_AGENCY = Cause(
    "MV-3038",
    "The genesis file of chain {chain} names no agency {agency}.",
    "Take the number that mvchain genesis show has for it.",
)
NODE_EXTRA_MISSING = Cause(
    "MV-3039",
    "The package {package} is not installed, and this command needs it.",
    "Run pip install 'mvchain[node]'; python -m mvchain.light checks receipts without it.",
)

# --- 306x: localnet and demo ---
LOCALNET_SIZE = Cause(
    "MV-3060", "A network of {nodes} nodes cannot be made.", "Choose a number of nodes from 1 to {limit}."
)
LOCALNET_EXISTS = Cause("MV-3061", "There is something in {path} already.", "Name a directory that is new or empty.")
LOCALNET_MISSING = Cause("MV-3062", "There is no local network in {path}.", "Name the directory where one was made.")
LOCALNET_NO_PORTS = Cause(
    "MV-3063",
    "Fewer than {count} ports from {first} to {last} are free on this machine.",
    "Stop what listens there, or make a smaller network.",
)
LOCALNET_NODE_ENDED = Cause(
    "MV-3064", "Node {number} ended with exit status {status}: {last_line}.", "Read {log} for what came before."
)
LOCALNET_NOT_READY = Cause(
    "MV-3065",
    "Of the local network, not ready after {seconds} s: node {numbers}.",
    "Read {log}; on a busy machine make a smaller network.",
)
DEMO_BALLOT = Cause(
    "MV-3066",
    "Ballot {number} of {name} does not fit its question: {why}",
    "Take ballots out of the file that break its own rules.",
)
DEMO_REFUSED = Cause(
    "MV-3067",
    "Node {number} refused a ballot: {why}",
    "The demo is broken; run it again with --keep and read the logs.",
)
DEMO_BAD_PROMISE = Cause(
    "MV-3068",
    "Node {number} acknowledged ballots with a promise that its key did not sign.",
    "Do not use that program as a node.",
)
DEMO_STANDSTILL = Cause(
    "MV-3069",
    "For {seconds} s nothing happened while waiting until {what}.",
    "Run it again with --keep and read the logs of the nodes in {path}.",
)
CANNOT_WRITE = Cause("MV-3071", "{path} cannot be written: {why}.", "Name a place that you may write to.")
WORKER_ENDED = Cause(
    "MV-3070",
    "A process that works for this one ended early with exit status {status}.",
    "Free memory, and run it again.",
)

# --- 3170-3179: simulations (sim) ---
SWARM_FILE = Cause(
    "MV-3170",
    "{path} does not say how far these simulations are.",
    "Name the file of a swarm with the same --nodes, --heights and --first-seed, or another file.",
)

# --- 3072-3079: foreign verifiers (interop) ---
INTEROP_TOOL_MISSING = Cause(
    "MV-3072", "{checker} is built with {tool}, which is not installed.", "Install {tool}, or run this elsewhere."
)
INTEROP_INSTALL = Cause("MV-3073", "{checker} could not be installed: {why}.", "Read {log} for what came before.")
INTEROP_CHAIN = Cause(
    "MV-3074",
    "The chain that was made for the verifiers has none of these: {lacking}.",
    "Run it again on a machine with less to do.",
)
INTEROP_CHECKER = Cause("MV-3075", "{checker} did not start: {why}.", "Read {log} for what came before.")
INTEROP_TOO_SLOW = Cause(
    "MV-3076", "The verifiers were not done after {seconds} s.", "Run it again on a machine with less to do."
)

# --- 3095: measurements (bench) ---
BENCH_ANSWER = Cause("MV-3095", "A node answered {what} with status {status}: {text}.", "Read the logs of the nodes.")

# --- 3175-3179: chaos (chaos) ---
CHAOS_NOT_ENDED = Cause("MV-3175", "Node {number} did not end within {seconds} s.", "Read {log}.")
CHAOS_STANDSTILL = Cause("MV-3176", "{what}: not within {seconds} s.", "Read the logs of the nodes.")
CHAOS_ANSWER = Cause("MV-3177", "Node {number} answered {what} with {text}.", "Read the logs of the nodes.")

# --- 607x: JSON-RPC and WebSocket (api.rpc, api.websocket); clients compare the texts of CometBFT (C133 to C135) ---
RPC_NOT_JSON = Cause("MV-6070", "The call is not JSON-RPC: {text}.", "Send a JSON-RPC 2.0 object or an array of them.")
RPC_INVALID = Cause("MV-6071", "The call cannot be taken: {text}.", "Send less at once.")
RPC_METHOD_UNKNOWN = Cause(
    "MV-6072", "The call names no method that there is here.", "Use a method of CometBFT 0.38 that this node has."
)
RPC_PARAMETERS = Cause("MV-6073", "The parameters of the call are wrong: {text}.", "Correct them.")
RPC_FAILED = Cause("MV-6074", "The call failed: {text}.", "Change the call as its text says.")
RPC_CANCELLED = Cause(
    "MV-6075", "The subscription was cancelled: {text}.", "Subscribe again, and ask for the blocks in between."
)
RPC_QUERY_PATH = Cause(
    "MV-6076", "The path of the query is not /store/NAME/key with one of the names {names}.", "Use such a path."
)
RPC_NOT_PROVABLE = Cause(
    "MV-6077",
    "The state after block {height} cannot be shown; heights from {oldest} to {newest} can.",
    "Ask for a height between these, or for 0, which is the newest.",
)
RPC_NO_EVIDENCE = Cause(
    "MV-6078",
    "This method takes evidence of one type alone: tendermint/DuplicateVoteEvidence.",
    "Report an attack on light clients to the agencies, with the two headers.",
)
WEBSOCKET_REFUSED = Cause(
    "MV-6079", "The request does not ask for a WebSocket as RFC 6455 does.", "Use a WebSocket client, version 13."
)

# --- 609x: rolls and keys in the API (api.rest) ---
ROLL_UNKNOWN = Cause("MV-6090", "There is no roll {roll}.", "Check the number; rolls are numbered 1, 2, 3 and on.")
SIGNER_UNKNOWN = Cause(
    "MV-6091",
    "The key {key} is of no agency, operator or poll service of this chain.",
    "Have the agency register it: mvchain operator register, or mvchain service authorise.",
)
