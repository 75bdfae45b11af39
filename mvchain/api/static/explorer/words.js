// What the explorer says: [Korean, English]. A function fills the gaps of a sentence.

const plural = (n, one, more) => `${n} ${n === "1" || n === 1 ? one : more}`;

const range = (min, max) => (min === max ? `${max}` : `${min} to ${max}`);
const fromTo = (min, max, unit) => (min === max ? `${max}${unit}를` : `${min}${unit}에서 ${max}${unit}까지`);

export const WORDS = {
  // --- the frame ---
  explorer: ["투표 원장 둘러보기", "ledger explorer"],
  overview: ["한눈에 보기", "Overview"],
  polls: ["투표", "Polls"],
  blocks: ["블록", "Blocks"],
  agencies: ["기관", "Agencies"],
  verifyBallot: ["내 표 확인하기", "Check my ballot"],
  sections: ["주요 메뉴", "Sections"],
  otherLanguage: ["English", "한국어"],
  skipToContent: ["본문으로 바로 가기", "Skip to the content"],
  search: ["찾기", "Search"],
  searchLabel: ["투표·블록·접수 번호·확인번호 찾기", "Find a poll, block, transaction or receipt"],
  searchHint: [
    "투표 번호, 블록 높이, 접수 번호(64자리) 또는 확인번호(7K3Q-…)를 입력하세요.",
    "A poll's number, a block's height, a transaction's hash (64 digits) or a receipt number (7K3Q-…).",
  ],
  searchWrong: [
    "찾을 수 없는 형식입니다. 숫자, 64자리 접수 번호 또는 13자리 확인번호를 입력해 주세요.",
    "This is none of them. Type a number, a hash of 64 digits or a receipt number of 13 characters.",
  ],
  searchFor: [(n) => `‘${n}’ 찾기`, (n) => `Search for ${n}`],
  nothingFound: ["이 번호의 투표도 블록도 없습니다.", "There is neither a poll nor a block of this number."],
  loading: ["불러오는 중입니다…", "Loading…"],
  cannotShow: ["지금은 보여 드릴 수 없습니다", "This cannot be shown right now"],
  notFound: ["찾을 수 없습니다", "Not found"],
  notFoundMore: ["이 주소에는 아무것도 없습니다.", "There is nothing at this address."],
  nodeKnowsNothing: [
    "이 노드에는 그런 기록이 없습니다. 번호를 다시 확인해 주세요.",
    "This node has no such record. Please check the number.",
  ],
  nodeBusy: ["노드가 바쁩니다. 잠시 뒤 자동으로 다시 시도합니다.", "The node is busy. Trying again in a moment."],
  nodeUnreachable: [
    "노드가 응답하지 않습니다. 아래 내용은 마지막으로 받은 것일 수 있으며, 자동으로 다시 시도합니다.",
    "The node does not answer. What you see may be old; trying again.",
  ],
  retryNow: ["지금 다시 시도", "Try again now"],
  refreshOn: [(s) => `${s}초마다 새로 고칩니다.`, (s) => `Refreshes every ${s} seconds.`],
  refreshOff: ["자동 새로 고침을 멈추었습니다.", "Refreshing is paused."],
  pauseRefresh: ["자동 새로 고침 멈추기", "Pause refreshing"],
  resumeRefresh: ["자동 새로 고침 다시 시작", "Resume refreshing"],
  aboutNode: [
    "여기 보이는 것은 이 노드의 말입니다. 믿지 않으셔도 됩니다. 화면마다 있는 증명을 직접 확인해 보세요.",
    "What you see is what this node says. You need not believe it: every page has a proof that you can check.",
  ],
  api: ["API 설명", "API description"],
  chainId: ["체인 ID", "Chain id"],
  heightAnnouncement: [(h) => `가장 최근 블록은 ${h}번입니다.`, (h) => `The newest block is number ${h}.`],

  // --- numbers and times ---
  secondsAgo: [(n) => (n < 2 ? "방금" : `${n}초 전`), (n) => (n < 2 ? "just now" : `${n} s ago`)],
  minutesAgo: [(n) => `${n}분 전`, (n) => `${n} min ago`],
  hoursAgo: [(n) => `${n}시간 전`, (n) => `${n} h ago`],
  daysAgo: [(n) => `${n}일 전`, (n) => plural(n, "day ago", "days ago")],
  seconds: [(n) => `${n}초`, (n) => `${n} s`],
  minutes: [(n) => `${n}분`, (n) => `${n} min`],
  number: ["번호", "Number"],
  time: ["시각", "Time"],

  // --- overview ---
  overviewHeading: ["투표 원장 한눈에 보기", "The ledger at a glance"],
  newestHeight: ["블록 높이", "Block height"],
  upToDate: ["최신 상태", "up to date"],
  catchingUp: ["따라잡는 중", "catching up"],
  newestBlock: ["마지막 블록", "Newest block"],
  blockInterval: [(t) => `평균 간격 ${t}`, (t) => `every ${t} on average`],
  signedLast: ["서명한 기관", "Who signed it"],
  quorumNeeded: [(n) => `${n}곳 이상이면 확정`, (n) => `${n} are enough`],
  openPolls: ["진행 중인 투표", "Open polls"],
  orMore: [(n) => `${n} 이상`, (n) => `${n} or more`],
  pollsSoFar: [(n) => `지금까지 모두 ${n}건`, (n) => `${n} polls so far`],
  runningPolls: ["끝나지 않은 투표", "Polls that have not ended"],
  noRunningPolls: ["지금은 진행 중이거나 예정된 투표가 없습니다.", "No poll is open or planned right now."],
  moreRunning: ["더 있습니다. 모두 보기", "There are more: see all"],
  endedPolls: ["최근에 끝난 투표", "Results"],
  noEndedPolls: ["아직 결과가 나온 투표가 없습니다.", "No poll has a result yet."],
  allPolls: ["모든 투표 보기", "All polls"],
  allBlocks: ["블록 목록 보기", "List of blocks"],
  agenciesAndBlocks: ["기관과 최근 블록 서명", "Agencies and who signed the last blocks"],
  andMoreQuestions: [(n) => `외 ${n}문항`, (n) => `and ${plural(n, "more question", "more questions")}`],

  // --- who signed ---
  agency: ["기관", "Agency"],
  agencyNumbered: [(n) => `${n}번 기관`, (n) => `Agency ${n}`],
  signedBlocks: ["최근 서명", "Signed lately"],
  silent: ["최근 블록에 서명이 없습니다", "signed none of the last blocks"],
  signatureTable: [
    (n) => `최근 블록 ${n}개에 서명한 기관`,
    (n) => `Who signed the last ${plural(n, "block", "blocks")}`,
  ],
  part_proposed: ["제안하고 서명함", "proposed and signed"],
  part_signed: ["서명함", "signed"],
  part_nil: ["nil에 서명함", "signed nil"],
  part_absent: ["서명이 담기지 않음", "not in it"],
  part_outside: ["참여 기관이 아니었음", "was no member"],
  absentHint: [
    "블록은 3분의 2가 넘는 기관의 서명으로 확정됩니다. 그 뒤에 온 서명은 담기지 않을 수 있으므로, 가끔 빠지는 것은 이상이 아닙니다.",
    "A block is decided by more than two thirds of the agencies. A signature that comes later may be left out: one " +
      "that is missing now and then means nothing.",
  ],

  // --- polls ---
  poll: ["투표", "Poll"],
  pollNumbered: [(n) => `${n}번 투표`, (n) => `Poll ${n}`],
  newestPolls: ["모든 투표, 최근 것부터", "All polls, newest first"],
  noPolls: ["아직 투표가 없습니다.", "There are no polls yet."],
  morePolls: ["투표 더 보기", "More polls"],
  state: ["상태", "State"],
  state_registered: ["예정", "Planned"],
  state_open: ["진행 중", "Open"],
  state_paused: ["일시 정지", "Paused"],
  state_counting: ["개표 중", "Counting"],
  state_final: ["결과 확정", "Final"],
  state_void: ["무효", "Void"],
  period: ["기간", "Period"],
  turnoutOf: [(v, e, p) => `${e}명 중 ${v}명 참여 (투표율 ${p})`, (v, e, p) => `${v} of ${e} took part (${p})`],
  turnoutVoid: [(e) => `명부 ${e}명, 무효가 되어 집계하지 않음`, (e) => `${e} on the roll; void, so no ballot counts`],
  eligibleVoters: [(n) => `명부 ${n}명`, (n) => `${n} on the roll`],
  opensAt: ["시작", "Opens"],
  closesAt: ["마감", "Closes"],
  closedAt: ["실제 마감", "Closed"],
  roll: ["명부", "Roll"],
  rollOf: [(n, size) => `${n}번 명부, ${size}명`, (n, size) => `Roll ${n}, ${plural(size, "voter", "voters")}`],
  ballotsRecorded: ["기록된 표", "Ballots on record"],
  ballotsSoFar: [(n) => `${n}표 (다시 투표한 것 포함)`, (n) => `${n}, those that were replaced included`],
  weight: ["가중치", "Weights"],
  weightOf: [
    (n) => `가중치 합 ${n}. 아래 수는 모두 가중치를 곱한 것입니다.`,
    (n) => `${n} in all; every number below is multiplied by them`,
  ],
  release: ["결과 공개", "Results"],
  release_live: ["투표 중에도 공개", "shown while the poll is open"],
  release_after_closing: ["마감 뒤 공개", "after closing"],
  revote: ["다시 투표", "Voting again"],
  revoteAllowed: ["마감 전까지 다시 할 수 있음", "allowed until the closing"],
  revoteForbidden: ["할 수 없음", "not allowed"],
  minTurnout: ["최소 참여", "Least turnout"],
  voterCount: [(n) => `${n}명`, (n) => plural(n, "voter", "voters")],
  tieRule: ["동점이면", "On a tie"],
  tie_equal_rank: ["같은 순위", "equal rank"],
  tie_by_lot: ["추첨", "by lot"],
  tie_earlier_option_first: ["앞 번호 우선", "the earlier option"],
  approvals: ["승인", "Approvals"],
  approvalsNeeded: [
    (n) => `중요한 처리에 담당자 ${n}명의 승인 필요`,
    (n) => `${plural(n, "operator", "operators")} must agree to weighty acts`,
  ],
  pendingHeading: ["승인을 기다리는 처리가 있습니다.", "Waiting for approval:"],
  pendingAction: [(what, n) => `${what} (지금까지 ${n}명 승인)`, (what, n) => `${what} (${n} agreed so far)`],
  action_poll_extend: ["기간 연장", "extension"],
  action_poll_close: ["조기 마감", "early closing"],
  action_poll_void: ["무효 처리", "voiding"],
  newClosing: ["새 마감:", "new closing:"],
  disputed: ["이 결과에는 다툼이 있습니다", "This result is disputed"],
  disputedShort: ["결과에 다툼이 있음", "disputed"],
  disputedMore: [
    "두 가지 방법으로 센 결과가 서로 다릅니다. 두 값을 모두 보여 드립니다. 담당 기관의 설명이 있을 때까지 이 숫자를 쓰지 마세요.",
    "The two ways of counting differ. Both are shown. Do not rely on these numbers before the agency has explained " +
      "them.",
  ],
  voidMore: ["이 투표는 무효가 되었습니다. 결과는 없습니다.", "This poll was declared void. It has no result."],
  belowMinimum: [
    (n) => `참여가 최소 인원 ${n}명에 미치지 못해, 정한 규칙에 따라 결과가 성립하지 않습니다.`,
    (n) => `Fewer than ${plural(n, "voter", "voters")} took part: by the rule of this poll the result does not stand.`,
  ],
  interim: [
    "중간 집계입니다. 마감까지 바뀔 수 있습니다.",
    "These are interim numbers. They may change until the closing.",
  ],
  notReleased: [
    "결과는 마감하고 개표한 뒤에 공개됩니다. 다만 봉인하지 않은 투표이므로, 블록에 기록된 표의 내용은 누구나 읽을 수 있습니다.",
    "Results come after closing and counting. The poll is not sealed, though: what the ballots in the blocks say " +
      "can be read by anybody.",
  ],

  // --- questions and results ---
  questionNumbered: [(n) => `${n}번 문항.`, (n) => `Question ${n}.`],
  optionsCaption: [(n) => `${n}번 문항의 보기`, (n) => `Options of question ${n}`],
  resultCaption: [(n) => `${n}번 문항의 결과`, (n) => `Result of question ${n}`],
  option: ["보기", "Option"],
  optionNumber: ["순서", "No."],
  group: ["분야", "Group"],
  cost: ["비용", "Cost"],
  costSoFar: ["누적 비용", "Cost so far"],
  rank: ["순위", "Rank"],
  share: ["비율", "Share"],
  mean: [(most) => `평균 (${most}점 만점)`, (most) => `Mean (of ${most})`],
  meanOf: [(mean, most) => `평균 ${mean} / ${most}`, (mean, most) => `mean ${mean} of ${most}`],
  ballotsAndShare: [(n, p) => `${n}표 (${p})`, (n, p) => `${n} (${p})`],
  pointsShort: [(n) => `${n}점`, (n) => plural(n, "point", "points")],
  recountedTotal: ["다시 센 값", "Recounted"],
  total_single: ["득표", "Ballots"],
  total_approval: ["득표", "Ballots"],
  total_ranked: ["점수", "Score"],
  total_points: ["점수", "Points"],
  total_score: ["점수 합", "Sum of marks"],
  count_ranked: ["순위에 든 표", "Ranked by"],
  count_points: ["점수를 준 표", "Given by"],
  count_score: ["평가한 표", "Marked by"],
  blanks: [(n) => `아무것도 고르지 않은 표: ${n}.`, (n) => `Blank ballots: ${n}.`],
  countingRule_single: [
    "비율은 빈 표를 포함한 모든 표에 대한 것입니다.",
    "Shares are of all ballots, blank ones included.",
  ],
  countingRule_approval: [
    "비율은 이 보기를 고른 표의, 빈 표를 포함한 모든 표에 대한 것입니다.",
    "Shares are of all ballots, blank ones included; a ballot may choose several options.",
  ],
  countingRule_ranked: [
    ({ weights }) => `1순위부터 차례로 ${weights.join(", ")}점을 더한 점수입니다.`,
    ({ weights }) => `From first place on, a place adds ${weights.join(", ")} to the score.`,
  ],
  countingRule_points: ["받은 점수를 모두 더했습니다.", "All points are added up."],
  countingRule_score: [
    "평균은 평가하지 않은 표를 빼고 낸 것입니다. 순위는 매기지 않습니다.",
    "Means leave out ballots without a mark. Nothing is ranked.",
  ],
  rule_single: ["하나를 고릅니다.", "Choose one."],
  rule_approval: [
    ({ min, max }) => `${fromTo(min, max, "개")} 고릅니다.`,
    ({ min, max }) => `Choose ${range(min, max)}.`,
  ],
  rule_ranked: [
    ({ min, max }) => `${fromTo(min, max, "개")} 좋아하는 순서대로 고릅니다.`,
    ({ min, max }) => `Put ${range(min, max)} in order of preference.`,
  ],
  rule_points: [
    (rule) =>
      `${fromTo(rule.min_sum, rule.max_sum, "점")} 나누어 주며, 한 보기에 ${rule.option_cap}점까지 줄 수 있습니다.`,
    (rule) => `Spread ${range(rule.min_sum, rule.max_sum)} points, at most ${rule.option_cap} on one option.`,
  ],
  costCap: [(cap) => `고른 비용의 합은 ${cap} 이하여야 합니다.`, (cap) => `The costs must not exceed ${cap} in sum.`],
  rule_score: [
    ({ max_mark: most }) => `항목마다 0점에서 ${most}점까지 줍니다.`,
    ({ max_mark: most }) => `Mark each from 0 to ${most}.`,
  ],
  blankAllowed: ["아무것도 고르지 않을 수도 있습니다.", "A blank is allowed."],
  quota: [(min, max) => `${min}개에서 ${max}개까지`, (min, max) => `${min} to ${max}`],
  showAll: [(n) => `보기 ${n}개 모두 보기`, (n) => `Show all ${n} options`],
  showFewer: [(n) => `처음 ${n}개만 보기`, (n) => `Show the first ${n} only`],
  positions: ["순위별 표 수", "Ballots by place"],
  positionsCaption: [(n) => `${n}번 문항의 순위별 표 수`, (n) => `Question ${n}: ballots by place`],
  place: [(n) => `${n}순위`, (n) => `Place ${n}`],
  fingerprints: ["원장에 기록된 지문", "Fingerprints in the ledger"],
  definitionHash: ["질문과 규칙", "Definition"],
  rollRoot: ["명부", "Roll"],
  ballotsRoot: ["기록된 표", "Ballots on record"],
  countedRoot: ["집계된 표", "Ballots that count"],
  tallyHash: ["결과", "Result"],

  // --- blocks and transactions ---
  block: ["블록", "Block"],
  blockNumbered: [(h) => `블록 ${h}`, (h) => `Block ${h}`],
  blocksIntro: [
    "블록은 투표와 명부, 표가 기록되는 묶음입니다. 앞 블록에 이어져 있어 나중에 몰래 바꿀 수 없습니다.",
    "Polls, rolls and ballots are recorded in blocks. Each names the one before it, so none can be changed unnoticed.",
  ],
  newestBlocks: ["최근 블록", "Newest blocks"],
  noBlocks: ["아직 블록이 없습니다.", "There are no blocks yet."],
  moreBlocks: ["이전 블록 더 보기", "Earlier blocks"],
  height: ["높이", "Height"],
  transactions: ["기록", "Transactions"],
  proposer: ["제안한 기관", "Proposed by"],
  signers: ["서명", "Signers"],
  signature: ["서명", "Signature"],
  round: ["라운드", "Round"],
  firstRound: ["첫 라운드에서 합의", "decided in the first round"],
  laterRound: [(n) => `${n}번째 라운드에서 합의`, (n) => `decided in round ${n}`],
  neighbourBlocks: ["앞뒤 블록", "Neighbouring blocks"],
  previousBlock: ["← 이전 블록", "← Previous block"],
  nextBlock: ["다음 블록 →", "Next block →"],
  blockInWords: [
    (txs, signed, of) => `기록 ${txs}건이 들어 있고, 기관 ${of}곳 가운데 ${signed}곳의 서명이 담겨 있습니다.`,
    (txs, signed, of) =>
      `It holds ${plural(txs, "transaction", "transactions")}, and the signatures of ${signed} of ${of} agencies.`,
  ],
  whoSigned: ["서명한 기관", "Who signed"],
  noTransactions: [
    "기록이 없는 블록입니다. 체인이 살아 있음을 알리거나 개표를 진행합니다.",
    "An empty block: it shows that the chain lives, or goes on counting.",
  ],
  transactionsIntro: [
    "접수 번호를 누르면 어떻게 되었는지 볼 수 있습니다. 누가 무엇을 골랐는지는 나타나지 않습니다.",
    "Follow a hash to see what became of it. Who chose what is not shown.",
  ],
  moreTransactions: [(n) => `${n}건 더 있음, 이어서 보기`, (n) => `${n} more: go on`],
  headerFields: ["블록 머리글의 값", "Values in the header"],
  field_hash: ["이 블록", "This block"],
  field_last_block_hash: ["앞 블록", "The block before"],
  field_data_hash: ["담긴 기록", "Its transactions"],
  field_last_results_hash: ["앞 블록의 처리 결과", "Results of the block before"],
  field_app_hash: ["이 블록 전까지의 모든 투표 상태", "All polls as they were before it"],
  field_validators_hash: ["서명할 수 있는 기관", "Who may sign"],
  field_proposer: ["제안한 기관의 주소", "Address of the proposer"],
  transaction: ["접수된 기록", "Transaction"],
  transactionUnknown: [
    "이 노드는 이 접수 번호를 모릅니다. 아직 전달되지 않았거나 번호가 다를 수 있습니다.",
    "This node does not know this hash. It may not have arrived yet, or it may be another one.",
  ],
  transaction_received: ["접수됨. 곧 블록에 기록됩니다.", "received; it will be in a block soon"],
  transaction_committed: ["블록에 기록됨", "recorded in a block"],
  transaction_rejected: ["거절됨", "rejected"],
  reason: ["이유", "Reason"],
  ballotNumber: ["표", "Ballot"],
  ballotNumbered: [(n) => `이 투표에 ${n}번째로 기록된 표`, (n) => `number ${n} on record in its poll`],
  choiceNotShown: ["어떤 보기를 골랐는지는 여기에 나타나지 않습니다.", "Which option was chosen is not shown here."],

  // --- agencies ---
  agenciesIntro: [
    (n) => `기관 ${n}곳이 저마다 노드를 운영하며, 3분의 2가 넘게 서명해야 블록이 확정됩니다.`,
    (n) =>
      `${plural(n, "agency runs a node", "agencies run a node each")}. A block is decided once more than two ` +
      "thirds have signed it.",
  ],
  agencyTable: ["참여 기관", "Agencies of this chain"],
  noSuchAgency: ["그런 기관이 없습니다", "There is no such agency"],
  agencyKey: ["기관 키", "Agency key"],
  validatorKey: ["서명 키", "Signing key"],
  nodeKey: ["노드 키", "Node key"],
  memberFrom: ["서명하는 블록", "Signs blocks"],
  memberSpan: [
    (from, until) => `${from}번부터 ${until ? `${until}번 전까지` : "지금까지"}`,
    (from, until) => `from ${from} ${until ? `to before ${until}` : "on"}`,
  ],
  keysHint: [
    "노드가 알려 준 키입니다. 기관이 공개한 것과 비교해 보세요.",
    "These keys are what this node says. Compare them with what the agency publishes.",
  ],
  pollsOfAgency: ["이 기관의 투표", "Polls of this agency"],

  // --- who signed two different things ---
  signedTwice: ["서로 다른 두 가지에 서명한 기관", "Who signed two different things"],
  signedTwiceMore: [
    "정직한 노드는 한 차례에 한 가지에만 서명합니다. 두 서명은 누가 보여 주든 그 서명 키를 가진 기관의 책임을 증명합니다.",
    "An honest node signs one thing at a time. Two signatures convict the key that made them, whoever shows them.",
  ],
  nobodyTwice: ["그런 기관은 없었습니다.", "No agency was seen to do so."],
  doubleSignings: ["이중 서명의 증거", "Evidence of double signings"],
  signedWhat: ["무엇에", "What"],
  twice_prevote: ["1차 서명 둘", "two prevotes"],
  twice_precommit: ["확정 서명 둘", "two precommits"],
  heldBy: ["증거가 담긴 블록", "Evidence is in"],
  notInBlockYet: ["아직 블록에 없음", "no block yet"],
  moreDoubleSignings: [(n) => `이 밖에도 ${n}건이 더 있습니다.`, (n) => `There are ${n} more.`],
  twoProposals: [
    (n, who) => `한 차례에 블록을 둘 제안한 일이 ${n}번 있었습니다: ${who}.`,
    (n, who) => `Two blocks were proposed in one round, ${plural(n, "time", "times")}: ${who}.`,
  ],
  forked: ["체인이 갈라졌습니다", "The chain has forked"],
  forkedMore: [
    "같은 높이에 서로 다른 두 블록이 확정 서명을 받았습니다. 모든 기관이 기록을 비교하기 전에는 어느 쪽도 믿지 마세요.",
    "Two different blocks of one height have enough signatures. Believe neither before all agencies have compared " +
      "their records.",
  ],
  forkedAt: [
    (height, who) => `${height}번 높이에서 체인이 갈라졌습니다. 두 블록 모두에 서명한 기관: ${who}.`,
    (height, who) => `The chain has forked at height ${height}. Signed both blocks: ${who}.`,
  ],

  // --- proofs ---
  proofHeading_result: ["이 결과의 증명", "Proof of this result"],
  proofHeading_question: ["이 질문의 증명", "Proof of this question"],
  proofHeading_block: ["이 블록의 증명", "Proof of this block"],
  proofHeading_ballot: ["이 표의 증명", "Proof of this ballot"],
  proofMeaning_result: [
    "질문과 보기, 집계 결과가 기관들이 서명한 원장에 있는 그대로인지 이 브라우저에서 직접 계산해 확인합니다.",
    "Your browser computes for itself whether the question and the totals are those of the ledger that the " +
      "agencies signed.",
  ],
  proofMeaning_question: [
    "질문과 보기, 규칙이 기관들이 서명한 원장에 있는 그대로인지 이 브라우저에서 직접 계산해 확인합니다.",
    "Your browser computes for itself whether question, options and rules are those of the ledger that the " +
      "agencies signed.",
  ],
  proofMeaning_block: [
    "기관들의 서명이 맞는지 이 브라우저에서 직접 확인합니다.",
    "Your browser checks the signatures of the agencies for itself.",
  ],
  proofMeaning_ballot: [
    "이 표가 바뀌지 않고 기록되었는지 이 브라우저에서 직접 계산해 확인합니다.",
    "Your browser computes for itself whether this ballot is on record, unchanged.",
  ],
  proveHere: ["이 브라우저에서 확인", "Check in this browser"],
  downloadProof: ["증명 파일 내려받기", "Download the proof"],
  proving: ["확인하는 중입니다…", "Checking…"],
  proven_result: ["확인했습니다. 이 결과는 원장에 기록된 것과 같습니다.", "Checked: this is the result on record."],
  proven_question: [
    "확인했습니다. 이 질문과 규칙은 원장에 기록된 것과 같습니다.",
    "Checked: this is the question on record.",
  ],
  proven_block: ["확인했습니다. 이 블록은 기관들이 서명한 것입니다.", "Checked: the agencies signed this block."],
  proven_accepted: [
    "확인했습니다. 이 표는 바뀌지 않고 기록되어 있습니다.",
    "Checked: this ballot is on record, unchanged.",
  ],
  proven_counted: [
    "확인했습니다. 이 표는 바뀌지 않고 기록되어 집계에 포함되었습니다.",
    "Checked: this ballot is on record, unchanged, and was counted.",
  ],
  proven_superseded: [
    "확인했습니다. 이 표는 기록되어 있고, 같은 투표자의 나중 표가 집계되었습니다.",
    "Checked: this ballot is on record; a later one of the same voter was counted.",
  ],
  vouched: [
    (of, n, names) => `기관 ${of}곳 가운데 ${n}곳의 서명이 맞습니다: ${names}`,
    (of, n, names) => `The signatures of ${n} of ${of} agencies are right: ${names}`,
  ],
  vouchedLater: [
    (name) => `${name}(노드가 알려 준 이름)`,
    (name) => `${name} (the name that the node gives)`,
  ],
  proofWrong: ["증명이 맞지 않습니다!", "This proof is WRONG."],
  badProof: [
    "노드가 보낸 증명이 거짓이거나 망가졌습니다. 이 화면의 내용을 믿지 마세요.",
    "What the node sent is forged or damaged. Do not believe what this page shows.",
  ],
  badGenesis: [
    "노드가 보낸 제네시스 문서를 믿을 수 없습니다. 이 화면의 내용을 믿지 마세요.",
    "The genesis document that the node sent cannot be relied on. Do not believe what this page shows.",
  ],
  otherThanShown: [
    "증명은 맞지만 이 화면과 다른 내용입니다. 이 화면의 내용을 믿지 마세요.",
    "The proof holds, but it proves something else than this page shows. Do not believe what this page shows.",
  ],
  errorCode: [(code) => `오류 코드 ${code}`, (code) => `Code ${code}`],
  reportIt: [
    "증명 파일을 내려받아 담당 기관과 다른 기관 한 곳에 함께 알려 주세요.",
    "Please download the proof and send it to the agency and to another one.",
  ],
  proofUnable: ["지금은 확인할 수 없습니다.", "This cannot be checked right now."],
  noCrypto: [
    "이 연결에서는 브라우저가 계산 기능을 쓸 수 없습니다. https 주소로 열거나, 증명 파일을 내려받아 mvchain verify로 확인하세요.",
    "Over this connection the browser may not compute hashes. Open the page over https, or download the proof and " +
      "use mvchain verify.",
  ],
  notYetProvable: [
    "다음 블록이 만들어져야 증명할 수 있습니다. 잠시 뒤 다시 눌러 주세요.",
    "The next block will make it provable. Please try again in a moment.",
  ],
  noAnswer: [
    "노드가 증명을 보내지 않았습니다. 잠시 뒤 다시 눌러 주세요.",
    "The node did not send the proof. Please try again in a moment.",
  ],
  trustedGenesis: ["무엇을 기준으로 확인했나요?", "What was it checked against?"],
  trustedGenesisMore: [
    "아래 지문을 가진 제네시스 문서(참여 기관과 키의 목록)를 기준으로 확인했습니다. 기관들이 공개한 지문과 같은지 비교해 보세요.",
    "Against the genesis document, the list of agencies and keys, with this fingerprint. Compare it with what the " +
      "agencies print.",
  ],
  genesisWords: ["지문 (낱말)", "Fingerprint in words"],
  genesisHash: ["지문", "Fingerprint"],
};
