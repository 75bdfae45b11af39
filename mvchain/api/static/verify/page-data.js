// What stands in the document beside this program: see mvchain/api/pages.py.
//
//   genesis    the genesis document, as text
//   later      {key: [Korean, English]}: names that the node gave for validator keys that came after genesis
//   nodes      {agency, url, others}: whose node made this page, its public address, those of other agencies' nodes
//   causes     what each code means, in English, with {gaps} for the offending values
//   version    names the program of this page
//
// and in the file of a receipt
//
//   number     the receipt number
//   receipts   its receipts, as texts
//   questions  what their polls ask, with proof, as texts
//   link, qr   address of the page with this number, and its picture as a data: URL; empty where the node has none

/** How many ballots of one receipt number are looked at: two are rare already. */
export const MOST_BALLOTS = 8;

const NOTHING = { genesis: "", later: {}, nodes: { agency: null, url: "", others: [] }, causes: {}, version: "" };

const found = readPageData(document);

/** Whether this page is a file that was damaged: then it holds nothing. */
export const IS_DAMAGED = found === null;

export const PAGE_DATA = found ?? NOTHING;

/** The data of a page, this one or a saved one; null if there is none that fits. Nothing in it is believed unproved. */
export function readPageData(page) {
  try {
    const data = JSON.parse(page.getElementById("page-data").textContent);
    return isFit(data) ? { later: {}, ...data } : null; // files of before have no such names
  } catch {
    return null; // no JSON, or a member of it is of another kind
  }
}

function isFit({ genesis, later = {}, nodes, causes, version, number, receipts, questions }) {
  const areTexts = (values) => Array.isArray(values) && values.every((value) => typeof value === "string");
  const areNames = Object.values(later).every((names) => areTexts(names) && names.length === 2);
  const isPage = areTexts([genesis, version, nodes.url, ...Object.values(causes)]) && areTexts(nodes.others);
  const isReceipt = () => areTexts([number, ...questions]) && areTexts(receipts) && isSome(receipts.length);
  const areUrls = nodes.others.every((url) => new URL(url));
  return isPage && areNames && areUrls && ((number ?? receipts) === undefined || isReceipt());
}

function isSome(ballots) {
  return 0 < ballots && ballots <= MOST_BALLOTS;
}

/** Whether this page is a saved file, with no node behind it. */
export const IS_FILE = !/^https?:$/.test(location.protocol);
