// What stands in the document beside this program: see mvchain/api/pages.py.
//
//   genesis    the genesis document, as text
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

export const PAGE_DATA = readPageData(document);

/** The data of a page, this one or a saved one; null if there is none. Nothing in it is believed unproved. */
export function readPageData(page) {
  try {
    return JSON.parse(page.getElementById("page-data").textContent);
  } catch {
    return null;
  }
}

/** Whether this page is a saved file, with no node behind it. */
export const IS_FILE = !/^https?:$/.test(location.protocol);
