// Questions to the node that served this page: same origin, read only, each with a deadline.

const DEADLINE_MS = 10_000;
const LONGEST_RETRY_S = 60;

/** A question without an answer: `status` is that of HTTP, 0 if none came; `code` that of the problem document. */
export class NodeFailure extends Error {
  constructor(status, { code = "", retryAfterS = 0 } = {}) {
    super(code || `status ${status}`);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }

  /** Whether asking again would change nothing: there is no such thing. */
  get isFinal() {
    return this.status === 404 || this.status === 400;
  }

  /** Whether the node is there and has no room right now. */
  get isBusy() {
    return this.status === 503 || this.status === 429;
  }
}

/** The bytes of an answer. Throws NodeFailure. */
export async function askBytes(path) {
  const response = await askNode(path, { cache: "no-cache" });
  return withDeadline(response, async () => new Uint8Array(await response.arrayBuffer()));
}

/** The JSON of an answer. Throws NodeFailure. */
export async function askJson(path) {
  const response = await askNode(path, {});
  return withDeadline(response, () => response.json());
}

/** The same, null where the node does not know it. */
export async function askIfThere(path) {
  try {
    return await askJson(path);
  } catch (error) {
    if (error instanceof NodeFailure && error.status === 404) return null;
    throw error;
  }
}

async function askNode(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, credentials: "omit", signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch {
    throw new NodeFailure(0);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  const code = /^MV-\d{4}$/.test(problem?.code) ? problem.code : "";
  const retryAfterS = Math.min(Number(response.headers.get("Retry-After")) || 0, LONGEST_RETRY_S);
  throw new NodeFailure(response.status, { code, retryAfterS });
}

async function withDeadline(response, read) {
  try {
    return await read();
  } catch {
    throw new NodeFailure(0); // it broke off, or is no JSON
  }
}
