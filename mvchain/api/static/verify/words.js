// What the page says: [Korean, English]. A function fills the gaps of a sentence. The verdicts are those of the command
// `mvchain verify` (mvchain/light/words.py): neither hash nor block comes first (domain 9).

const countOf = (n, one, more) => `${n} ${n === "1" ? one : more}`;

export const WORDS = {
  // --- the frame ---
  product: ["mvchain", "mvchain"],
  productMore: ["투표 확인", "ballot check"],
  pageTitle: ["내 투표 확인", "Check your ballot"],
  receiptTitle: ["투표확인증", "Voting receipt"],
  sections: ["주요 메뉴", "Sections"],
  navVerify: ["투표 확인", "Check a ballot"],
  navExplorer: ["투표 현황", "All polls"],
  otherLanguage: ["English", "한국어"],
  skipToContent: ["본문으로 바로 가기", "Skip to the content"],
  intro: [
    "확인번호나 확인증 파일로, 내 투표가 바뀌지 않고 기록되어 집계되었는지 직접 확인할 수 있습니다. 계산은 모두 이 브라우저가 하며, 어떤 보기를 선택했는지는 나타나지 않습니다.",
    "With a receipt number or a receipt file you can check for yourself that your ballot is recorded, unchanged, and counted. This browser does all the computing. Which option was chosen is not shown.",
  ],
  receiptIntro: [
    "이 파일은 스스로를 검증하는 투표확인증입니다. 인터넷에 연결되어 있지 않아도, 열 때마다 이 브라우저가 다시 확인합니다. 어떤 보기를 선택했는지는 들어 있지 않습니다.",
    "This file is a voting receipt that verifies itself: whenever it is opened, this browser checks it again, without the internet too. Which option was chosen is not in it.",
  ],
  aboutPage: [
    "이 화면은 어느 서버의 판정도 그대로 믿지 않습니다. 확인증에 담긴 기관들의 서명을 이 브라우저에서 직접 계산해 확인합니다.",
    "This page takes no server's word for it. Your browser checks the signatures of the agencies in the receipt for itself.",
  ],
  aboutDevice: [
    "이 기기가 악성 프로그램에 감염되었다면 화면을 믿을 수 없습니다. 다른 기기에서 한 번 더 확인하시면 더욱 안전합니다.",
    "If malware is on this device, no page on it can be believed. Check once more on another device to be on the safe side.",
  ],
  pageVersion: [(version) => `화면 버전 ${version}`, (version) => `Page version ${version}`],

  // --- what to check ---
  waysTitle: ["무엇으로 확인하시겠습니까?", "What do you have?"],
  formTitle: ["확인번호로 찾기", "By receipt number"],
  otherForm: ["다른 투표 확인하기", "Check another ballot"],
  numberLabel: ["확인번호", "Receipt number"],
  numberHint: [
    "예: 7K3Q-9FTX-HM4W-Q (13자리). 소문자로 쓰거나 줄표를 빼고 입력하셔도 됩니다.",
    "For example 7K3Q-9FTX-HM4W-Q, 13 characters. Small letters and missing hyphens are fine.",
  ],
  check: ["확인하기", "Check"],
  numberLength: [
    (have) => `확인번호는 13자리인데 ${have}자리를 입력하셨습니다. 빠지거나 더 들어간 글자가 있는지 확인해 주십시오.`,
    (have) =>
      `A receipt number has 13 characters; this one has ${have}. Please see whether some are missing or too many.`,
  ],
  numberMissing: ["확인번호 13자리를 입력해 주십시오.", "Please type the 13 characters of the receipt number."],
  numberCharacter: [
    (char) =>
      `‘${char}’은(는) 확인번호에 쓰지 않는 글자입니다. 숫자 0과 1, 영문 O·I·L은 쓰지 않으니 비슷한 글자가 아닌지 확인해 주십시오.`,
    (char) =>
      `“${char}” does not occur in receipt numbers. They have no 0, 1, O, I or L: please see whether it is another character.`,
  ],
  numberCheck: [
    "잘못 옮겨 적은 글자가 있습니다. 한 글자가 다르거나 이웃한 두 글자가 바뀌었을 수 있으니 확인증과 한 글자씩 비교해 주십시오.",
    "There is a typing mistake: one character may be wrong, or two swapped. Please compare it with the receipt, character by character.",
  ],
  fileTitle: ["확인증 파일로 확인하기", "By receipt file"],
  fileLabel: ["확인증 파일 고르기", "Choose a receipt file"],
  fileHint: [
    "확인증 파일(.mvreceipt.json 또는 .html)을 고르시거나 이곳에 끌어다 놓으십시오. 파일은 이 기기 밖으로 나가지 않습니다.",
    "Choose the receipt file (.mvreceipt.json or .html), or drop it here. The file does not leave this device.",
  ],
  fileExamined: ["확인한 파일", "File"],
  unknown_fileTooLarge: [
    (most) => `확인증 파일은 ${most}보다 클 수 없습니다. 다른 파일을 고르신 것은 아닌지 확인해 주십시오.`,
    (most) => `A receipt file is never larger than ${most}. Please see whether you chose another file.`,
  ],
  unknown_fileUnreadable: [
    "파일을 읽지 못했습니다. 파일을 다시 골라 주십시오.",
    "The file could not be read. Please choose it again.",
  ],
  scanTitle: ["QR 코드로 확인하기", "By QR code"],
  scanCamera: ["카메라로 QR 코드 찍기", "Scan with the camera"],
  scanPicture: ["QR 코드 사진 고르기", "Choose a picture of it"],
  scanStop: ["카메라 끄기", "Stop the camera"],
  scanning: ["QR 코드를 화면 안에 비춰 주십시오.", "Hold the QR code into the picture."],
  scanUnsupported: [
    "휴대전화의 카메라 앱으로 확인증의 QR 코드를 비추면 이 확인 화면이 바로 열립니다. QR 코드가 없어도 위의 확인번호로 똑같이 확인하실 수 있습니다.",
    "Point your phone's camera app at the QR code of the receipt: it opens this page. Without the code, the receipt number above does the same.",
  ],
  scanNothing: [
    "사진에서 확인증의 QR 코드를 찾지 못했습니다. 코드 전체가 또렷이 나오게 다시 찍거나 확인번호를 입력해 주십시오.",
    "There is no QR code of a receipt in the picture. Please take it again with the whole code in focus, or type the receipt number.",
  ],
  scanRefused: [
    "카메라를 쓸 수 없습니다. 브라우저에서 카메라 사용을 허용하거나 확인번호를 입력해 주십시오.",
    "The camera cannot be used. Please allow it in the browser, or type the receipt number.",
  ],
  working: ["확인하는 중입니다…", "Checking…"],

  // --- verdicts ---
  title_good: ["확인됨", "Verified"],
  title_bad: ["확인 실패", "NOT valid"],
  title_differ: ["기관들의 기록이 서로 다름", "Agencies DIFFER"],
  title_unknown: ["확인하지 못함", "Not verified"],
  verdict_accepted: [
    "확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 있습니다.",
    "Verified. Your ballot is recorded, unchanged.",
  ],
  verdict_counted: [
    "확인했습니다. 회원님의 투표는 바뀌지 않고 기록되어 집계에 포함되었습니다.",
    "Verified. Your ballot is recorded, unchanged and counted.",
  ],
  verdict_superseded: [
    "확인했습니다. 이 투표는 바뀌지 않고 기록되어 있으나, 다시 하신 나중의 투표가 집계되었습니다.",
    "Verified. This ballot is recorded, unchanged; a later ballot of the same voter was counted instead.",
  ],
  verdict_not_counted: [
    (poll) => `확인했습니다. ${poll}번 투표의 집계에는 이 투표자의 표가 없습니다.`,
    (poll) => `Verified. No ballot of this voter is counted in poll ${poll}.`,
  ],
  verdict_on_roll: [
    (poll) => `확인했습니다. 이 투표자는 ${poll}번 투표의 명부에 있습니다.`,
    (poll) => `Verified. This voter is on the roll of poll ${poll}.`,
  ],
  verdict_recorded: [
    (poll, size) => `확인했습니다. ${poll}번 투표의 처음 ${size}표가 그대로 남아 있습니다.`,
    (poll, size) =>
      `Verified. The first ${countOf(size, "ballot", "ballots")} of poll ${poll} are still there as they were.`,
  ],
  verdict_question: [
    (poll) => `확인했습니다. ${poll}번 투표의 질문은 아래와 같습니다.`,
    (poll) => `Verified. This is what poll ${poll} asks.`,
  ],
  verdict_result: [
    (poll) => `확인했습니다. ${poll}번 투표의 결과는 아래와 같습니다.`,
    (poll) => `Verified. This is the result of poll ${poll}.`,
  ],
  pollDisputed: [
    "이 투표는 두 가지 집계가 서로 달라 결과에 이의가 있는 투표입니다.",
    "The poll is disputed: its two counts differ.",
  ],
  pollVoid: ["이 투표는 무효가 되었습니다.", "The poll is void."],
  claimRecorded: ["참여 기록 있음", "Recorded"],
  claimRecordedWhen: [
    (time, number) => `${time}(한국 시각)에 이 투표의 ${number}번째 표로 접수되었습니다.`,
    (time, number) => `Accepted at ${time} as ballot number ${number} of this poll.`,
  ],
  claimRecordedAs: [
    (number) => `이 투표의 ${number}번째 표로 기록되어 있습니다.`,
    (number) => `It is ballot number ${number} of this poll.`,
  ],
  claimUnchanged: ["내용 변경 없음", "Unchanged"],
  claimUnchangedWhy: [
    (of, n) => `전체 ${of}개 기관 중 ${n}개 기관이 이 기록을 보증합니다. 한 글자라도 바뀌었다면 서명이 맞지 않습니다.`,
    (of, n) =>
      `${n} of ${of} agencies vouch for this record. Had one character changed, their signatures would not fit.`,
  ],
  claimCounted: ["집계에 포함됨", "Counted"],
  claimCountedWhy: [
    (total) => `집계된 ${total}표 가운데 하나입니다.`,
    (total) => `It is one of the ${countOf(total, "ballot that was", "ballots that were")} counted.`,
  ],
  claimNotYet: ["집계 포함 여부는 아직 모름", "Counted: not known yet"],
  claimNotYetWhy: [
    "이 확인증만으로는 아직 알 수 없습니다. 투표가 끝난 뒤 아래 단추를 누르시면 집계에 포함되었는지까지 확인할 수 있습니다.",
    "This receipt alone cannot tell yet. Once the poll has ended, the button below finds out whether it was counted.",
  ],
  claimSuperseded: ["나중의 표가 집계됨", "A later ballot was counted"],
  claimSupersededWhy: [
    (number) =>
      `같은 투표자의 나중 표인 ${number}번째 표가 대신 집계되었습니다. 다시 투표하신 적이 없다면 담당 기관에 알려 주십시오.`,
    (number) =>
      `Ballot number ${number}, of the same voter and later, was counted instead. If you did not vote again, please tell the agency.`,
  ],
  noChoice: [
    "어떤 보기를 선택했는지는 이 화면에도 확인증에도 나타나지 않습니다.",
    "Which option was chosen is shown neither here nor in the receipt.",
  ],
  provenNotCounted: [
    (total) => `집계된 ${total}표 가운데 이 투표자 키의 표는 하나도 없습니다.`,
    (total) => `None of the ${countOf(total, "counted ballot", "counted ballots")} is of this voter's key.`,
  ],
  provenOnRoll: [
    (size, weight) => `명부 전체 ${size}명, 이 투표자의 가중치 ${weight}.`,
    (size, weight) => `${size} on the roll; this voter's weight is ${weight}.`,
  ],
  provenRecorded: [
    (now, size) =>
      `현재 기록된 ${now}표는 이 ${size}표에 이어 덧붙여진 것입니다. 상세 정보의 기록 값을 앞서 받은 것과 비교해 주십시오.`,
    (now, size) =>
      `The ${countOf(now, "ballot", "ballots")} of now are these ${size} with others behind them. Compare the root in the details with the one that you had before.`,
  ],
  disputed: [
    "두 가지 집계가 서로 다릅니다. 아래는 투표 중에 집계한 값입니다.",
    "Two counts differ. Below is the one kept while ballots arrived.",
  ],
  optionTotal: [(total) => `${total}표`, (total) => total],
  optionPoints: [(total) => `${total}점`, (total) => `${total} points`],
  blanks: ["(기권)", "(blank)"],

  // --- which ballot it is ---
  poll: ["투표", "Poll"],
  pollNumbered: [(n) => `${n}번 투표`, (n) => `Poll ${n}`],
  recordedAt: ["기록한 시각", "Recorded at"],
  severalFound: [
    (n) =>
      `이 확인번호를 가진 표가 ${n}개 있습니다. 아주 드물게 있는 일입니다. 시각을 보고 회원님의 표를 찾아 주십시오.`,
    (n) => `By a rare chance ${n} ballots have this receipt number. Please tell yours by its time.`,
  ],
  qrTitle: ["QR 코드", "QR code"],
  qrAlternative: [
    (link) => `이 투표의 확인 화면을 여는 QR 코드: ${link}`,
    (link) => `QR code that opens the page which checks this ballot: ${link}`,
  ],
  qrMeaning: [
    "휴대전화로 찍으면 이 투표의 확인 화면이 열립니다. 아래 주소를 여는 것과 같습니다.",
    "Scan it to check this ballot on another device. It does the same as this address:",
  ],

  // --- who vouches ---
  vouchTitle: ["이 기록을 보증한 기관", "Agencies that vouch for this record"],
  vouchCount: [
    (of, n) => `전체 ${of}개 기관 중 ${n}개 기관의 서명을 이 브라우저에서 확인했습니다.`,
    (of, n) => `This browser checked the signatures of ${n} of ${of} agencies.`,
  ],
  vouchEnough: [
    "서명이 3분의 2를 넘으면 확정되므로, 확인증에는 그만큼만 담깁니다.",
    "More than two thirds decide; a receipt holds no more signatures than that takes.",
  ],

  vouchNamed: [(name) => `${name} (노드가 알려 준 이름)`, (name) => `${name} (the name that a node gives)`],
  vouchUnnamed: [(key) => `서명 키 ${key}…`, (key) => `Signing key ${key}…`],
  vouchLater: [
    (n) =>
      `이 가운데 ${n}곳은 나중에 참여했거나 서명 키를 바꾼 기관입니다. 서명은 확인했지만, 제네시스 문서에 없는 키라서 기관 이름까지 증명되지는 않습니다.`,
    (n) =>
      `${countOf(n, "agency", "agencies")} of these joined later or replaced the signing key. The signatures are checked; the genesis document has no name for these keys, so the names are not proved.`,
  ],
  fact_later: ["제네시스 이후의 서명 키", "Signing key since genesis"],

  // --- what other nodes say ---
  othersTitle: ["다른 기관의 노드에 물어본 결과", "What the nodes of other agencies say"],
  othersAsking: ["다른 기관의 노드에 물어보는 중입니다…", "Asking the nodes of other agencies…"],
  othersAgree: [
    (n) => `다른 기관의 노드 ${n}곳이 모두 같은 기록을 가지고 있습니다.`,
    (n) => `All ${countOf(n, "node", "nodes")} of other agencies have the same record.`,
  ],
  othersSome: [
    (n, of) => `다른 기관의 노드 ${of}곳 가운데 ${n}곳이 같은 기록을 가지고 있습니다. 나머지에서는 확인받지 못했습니다.`,
    (n, of) => `${n} of ${of} nodes of other agencies have the same record; the others did not confirm it.`,
  ],
  othersOne: [
    "다른 기관의 노드 1곳이 같은 기록을 가지고 있습니다. 둘 이상에 물어보시는 것이 좋습니다.",
    "One node of another agency has the same record. It is better to ask two or more.",
  ],
  othersNone: [
    "지금은 다른 기관의 노드에서 확인받지 못했습니다. 위의 결과는 확인증에 담긴 서명만으로 확인한 것이며, 그것만으로도 유효합니다.",
    "No node of another agency has confirmed it. The verdict above rests on the signatures in the receipt, and holds by them alone.",
  ],
  othersUnknown: [
    "이 화면에는 다른 기관의 노드 주소가 없습니다. 아래에 주소를 입력해 그 기관의 화면에서 확인하실 수 있습니다.",
    "This page knows no node of another agency. You can type an address below to check on that agency's own page.",
  ],
  othersBroken: [
    (n) => `다른 기관의 노드 ${n}곳은 서명이 맞지 않는 답을 보냈습니다. 그 답은 믿을 수 없어 세지 않았습니다.`,
    (n) => `${countOf(n, "node", "nodes")} of other agencies answered with what does not hold; that is not counted.`,
  ],
  othersDiffer: [
    "기관들이 서로 다른 기록을 보여 주고 있습니다!",
    "Agencies show DIFFERENT records!",
  ],
  othersDifferTodo: [
    "이 표가 기록되었다고 아직 믿지 마십시오. 신고 파일을 저장해 담당 기관과 다른 기관 한 곳에 보내 주십시오.",
    "Do not rely on this record yet. Please save the report file and send it to the agency and to another one.",
  ],
  node_asking: ["물어보는 중", "asking"],
  node_agrees: ["같은 기록", "the same record"],
  node_silent: ["응답 없음", "no answer"],
  node_behind: ["아직 이 기록이 없음", "does not have it yet"],
  node_broken: ["답을 믿을 수 없음", "its answer does not hold"],
  node_differs: ["다른 기록!", "A DIFFERENT RECORD"],
  nodePage: [(name) => `${name}의 화면에서 확인하기`, (name) => `Check on the page of ${name}`],
  agencyAt: [(name, host) => `${name} (${host})`, (name, host) => `${name} (${host})`],
  ownAddressTitle: ["내가 아는 기관의 화면에서 확인하기", "Check on the page of an agency that you know"],
  ownAddressLabel: ["기관의 노드 주소", "Address of the agency's node"],
  ownAddressHint: [
    "예: https://node.example.go.kr. 입력하신 기관의 확인 화면이 새 창으로 열립니다.",
    "For example https://node.example.go.kr. That agency's page opens in a new window.",
  ],
  ownAddressOpen: ["그 기관의 화면 열기", "Open that agency's page"],
  ownAddressWrong: [
    "주소를 읽을 수 없습니다. https:// 로 시작하는 주소를 입력해 주십시오.",
    "This is no address. Please type one that begins with https://.",
  ],

  // --- what can be done with it ---
  complete: ["집계에 포함되었는지 확인하기", "Find out whether it was counted"],
  completing: ["집계 기록을 찾는 중입니다…", "Looking for the count…"],
  completeNotFinal: [
    "이 투표는 아직 끝나지 않았습니다. 결과가 확정된 뒤 다시 눌러 주십시오.",
    "This poll has not ended yet. Please try again once its result is final.",
  ],
  completeNoAnswer: [
    "지금은 어느 노드에서도 답을 받지 못했습니다. 인터넷 연결을 확인하고 잠시 뒤 다시 눌러 주십시오.",
    "No node answered. Please check your connection and try again in a moment.",
  ],
  saveReceipt: ["확인증 파일 저장", "Save the receipt file"],
  saveProof: ["증명 파일 저장", "Save the proof"],
  saveReceiptPage: ["스스로 검증하는 확인증(HTML) 저장", "Save a receipt that verifies itself (HTML)"],
  print: ["인쇄", "Print"],
  detailsTitle: ["전문가를 위한 상세 정보", "Details for experts"],
  copy: ["복사", "Copy"],
  copyOf: [(name) => `${name} 복사`, (name) => `Copy: ${name}`],
  copied: ["복사했습니다.", "Copied."],
  fact_ballot: ["표의 해시", "Ballot hash"],
  fact_voter: ["투표자 키", "Voter key"],
  fact_block: ["블록 높이", "Block height"],
  fact_signed: ["서명된 블록", "Signed block"],
  fact_time: ["블록 시각", "Block time"],
  fact_chain: ["체인 ID", "Chain id"],
  fact_root: ["기록 값", "Root"],
  fact_size: ["파일 크기", "File size"],
  fact_engine: ["서명 검증", "Signatures by"],
  bytes: [(n) => `${n}바이트`, (n) => countOf(n, "byte", "bytes")],
  engine_webcrypto: ["브라우저의 WebCrypto", "the browser's WebCrypto"],
  engine_fallback: ["이 화면의 계산 (브라우저에 Ed25519가 없음)", "this page (the browser has no Ed25519)"],

  // --- what was trusted ---
  basis: ["기준", "Checked against"],
  basisCompare: ["기관이 공개한 것과 비교해 주십시오", "please compare it with what the agencies print"],
  basisOfFile: [
    "이 파일의 판정은 이 지문이 기관들이 공개한 지문과 같을 때에만 믿을 수 있습니다.",
    "What this file says holds only if this fingerprint is the one that the agencies print.",
  ],
  genesisTitle: ["무엇을 기준으로 확인했나요?", "What was it checked against?"],
  genesisWhat: [
    (chain, agencies) =>
      `참여 기관 ${agencies}곳과 그 서명 키가 적힌 ‘${chain}’의 제네시스 문서를 기준으로 확인했습니다. 아래 지문이 여러 기관이 홈페이지나 게시판에 공개한 것과 같은지 비교해 주십시오. 한 글자라도 다르면 믿지 마십시오.`,
    (chain, agencies) =>
      `Against the genesis document of “${chain}”, which names its ${countOf(agencies, "agency", "agencies")} and their keys. Compare its fingerprint below with the one that several agencies print. If one character differs, do not believe this page.`,
  ],
  genesisWords: ["지문을 읽는 낱말", "The same as words"],
  genesisHash: ["지문", "Fingerprint"],
  genesisFromPage: ["이 화면에 담긴 제네시스 문서입니다.", "It is the genesis document that came with this page."],
  genesisFromFile: ["직접 고르신 제네시스 파일입니다.", "It is the genesis file that you chose."],
  genesisPick: ["다른 제네시스 파일로 확인하기", "Use another genesis file"],
  genesisPickHint: [
    "기관에서 따로 받은 제네시스 파일(genesis.json)이 있으면 그 파일을 기준으로 다시 확인합니다.",
    "If you have the genesis file (genesis.json) from an agency, everything is checked again against that one.",
  ],
  genesisWrong: [
    (code) => `제네시스 파일이 올바르지 않습니다(${code}). 앞의 것을 그대로 씁니다. 파일을 다시 확인해 주십시오.`,
    (code) =>
      `This genesis file is not sound (${code}); the one before stays in use. Please see whether it is the right file.`,
  ],

  // --- what does not hold ---
  bad_forged: ["이 확인증은 믿을 수 없습니다.", "This receipt does NOT hold."],
  badWhy_forged: [
    "파일이 손상되었거나 위조되었을 수 있습니다. 이 확인증으로는 투표가 기록되었다고 볼 수 없습니다.",
    "The file may be damaged or forged. It does not show that a ballot is recorded.",
  ],
  bad_otherBallot: ["요청한 것과 다른 표의 확인증입니다.", "This receipt is of ANOTHER ballot."],
  badWhy_otherBallot: [
    "노드가 회원님의 표가 아닌 다른 표의 확인증을 보냈습니다. 이 확인증으로는 회원님의 투표가 기록되었다고 볼 수 없습니다.",
    "The node sent the receipt of another ballot than the one asked for. It does not show that yours is recorded.",
  ],
  bad_otherChain: ["다른 투표 시스템의 확인증입니다.", "This receipt is of ANOTHER system."],
  badWhy_otherChain: [
    "이 확인증과 제네시스 파일은 서로 다른 투표 시스템의 것입니다. 확인증을 발급한 투표 시스템의 확인 화면이나 제네시스 파일로 다시 확인해 주십시오.",
    "The receipt and the genesis document belong to different systems. Please use the page, or the genesis file, of the system that issued the receipt.",
  ],
  bad_unknownFormat: [
    "이 화면이 알지 못하는 형식의 확인증입니다.",
    "This page does not know the format of this receipt.",
  ],
  badWhy_unknownFormat: [
    "최신 확인 화면에서 다시 확인해 주십시오. 그래도 같다면 확인증이 위조되었을 수 있습니다.",
    "Please try again on a newer page. If it stays the same, the receipt may be forged.",
  ],
  badTodo: ["이렇게 해 주십시오", "What to do"],
  badTodoAgain: [
    "투표한 곳이나 다른 기관의 노드에서 확인증을 다시 받아 확인해 주십시오.",
    "Get the receipt again where you cast the ballot, or from the node of another agency, and check that one.",
  ],
  badTodoReport: [
    "그래도 확인되지 않으면 신고 파일을 저장해 담당 기관과 다른 참여 기관 한 곳에 함께 보내 주십시오.",
    "If it fails again, save the report file and send it to the agency and to another one as well.",
  ],
  saveReport: ["신고 파일 저장", "Save the report file"],
  reportSaved: [
    (name) => `신고 파일 ${name}을 브라우저의 다운로드 폴더에 저장했습니다.`,
    (name) => `The report ${name} is saved where your browser puts downloads.`,
  ],
  reportTo: ["신고 파일을 보낼 수 있는 참여 기관", "Agencies that take the report"],
  reportHolds: [
    "신고 파일에는 받은 확인증, 오류 번호와 이유, 제네시스 지문, 시각, 화면 버전만 들어갑니다.",
    "The report holds the receipt as given, the code and reason, the genesis fingerprint, the time and the page version, and nothing else.",
  ],
  reason: ["이유", "Reason"],
  code: ["오류 번호", "Code"],

  // --- what could not be looked at ---
  unknown: ["아직 확인하지 못했습니다.", "Not verified."],
  unknown_notFound: [
    "이 확인번호의 표를 찾지 못했습니다. 번호가 맞는지 확인해 주십시오. 방금 투표하셨다면 몇 초 뒤에 나타납니다.",
    "No ballot has this receipt number. Please see whether it is right. A ballot that was just cast appears within seconds.",
  ],
  unknown_notYet: [
    "방금 접수된 표입니다. 다음 기록이 만들어지면 확인할 수 있습니다. 잠시 뒤 다시 시도해 주십시오.",
    "The ballot was received just now; the next record will prove it. Please try again in a moment.",
  ],
  unknown_noAnswer: [
    "어느 노드에서도 답을 받지 못했습니다. 인터넷 연결을 확인하고 다시 시도해 주십시오. 확인증 파일이 있으면 연결 없이도 확인하실 수 있습니다.",
    "No node answered. Please check your connection and try again. With the receipt file you can check without any connection.",
  ],
  unknown_busy: ["노드가 바쁩니다. 잠시 뒤 다시 시도해 주십시오.", "The node is busy. Please try again in a moment."],
  unknown_noCrypto: [
    "이 연결에서는 브라우저가 계산 기능을 쓸 수 없어 아무것도 확인할 수 없습니다. 주소가 https://로 시작하는 화면을 여시거나, 스스로 검증하는 확인증(HTML) 파일을 내려받아 여십시오.",
    "Over this connection the browser may not compute, so nothing can be checked. Open the page under an address that begins with https://, or save the receipt as an HTML file and open that.",
  ],
  unknown_badGenesis: [
    "이 화면에 담긴 제네시스 문서를 믿을 수 없어 아무것도 확인할 수 없습니다. 다른 기관의 화면에서 확인하시고, 이 일을 담당 기관에 알려 주십시오.",
    "The genesis document of this page cannot be relied on, so nothing can be checked. Please use the page of another agency and tell the agency.",
  ],
  unknown_unexpected: [
    "확인하다가 예상하지 못한 문제가 생겼습니다. 다시 시도하시고, 그래도 같다면 다른 기관의 화면에서 확인해 주십시오.",
    "Something unforeseen went wrong. Please try again; if it stays the same, use the page of another agency.",
  ],
  tryAgain: ["다시 시도", "Try again"],
};
