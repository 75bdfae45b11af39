// The file with which something wrong is reported: what an agency needs to look into it, nothing else about the voter.

import { PAGE_DATA } from "./page-data.js";
import { fingerprint } from "./checks.js";
import { fromUtf8, toBase64 } from "../lib/bytes.js";

const REPORT_FORMAT = "mvchain report 1";

/** The report of a result that does not hold, or that other nodes contradict, as text; `genesis` may be null. */
export function reportOf({ bytes, failure, witnesses = [] }, genesis, now) {
  const text = fromUtf8(bytes);
  const report = {
    format: REPORT_FORMAT,
    time: now.toISOString(),
    page_version: PAGE_DATA.version,
    genesis_hash: fingerprint(genesis),
    code: failure?.code ?? "",
    reason: failure ? failure.reason || failure.kind : "nodes differ",
    receipt: text === null ? { base64: toBase64(bytes) } : { text },
    nodes: witnesses.map(({ url, state, evidence = "" }) => ({ url, state, light_block: evidence })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
