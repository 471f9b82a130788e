import { type Address, formatHostPort } from "../address.ts";
import type { Answer } from "../http/answer.ts";
import type { SummaryPart } from "../summary.ts";
import { Pool } from "../undici.ts";

const CONNECTIONS_PER_PEER = 32;
/** Well within the second between two samples: whoever has not said anything by then is shown as not answering. */
const READING_TIMEOUT_MS = 700;

type PeerAnswer = { status: number; body: string; location: string | undefined; contentType: string };

/** The other instances, over the instance link. Every call is bounded by the link timeout; a peer that is down is an answer. */
export class Peers {
  readonly #pools: ReadonlyMap<number, Pool>;

  /** `links` are the link addresses of all instances in order, `self` the one that is not a peer. */
  constructor(links: readonly Address[], self: number, timeoutMs: number) {
    const others = links.map((link, instance) => ({ link, instance })).filter(({ instance }) => instance !== self);
    this.#pools = new Map(others.map(({ link, instance }) => [instance, openPool(link, timeoutMs)]));
  }

  get count(): number {
    return this.#pools.size;
  }

  /** Every peer's part of a summary, or undefined if one cannot be had. */
  async summaryParts(query: string): Promise<SummaryPart[] | undefined> {
    const answers = await Promise.all(this.#instances().map((peer) => this.#call(peer, "GET", `/summary?${query}`)));
    const parts = answers.map((answer) =>
      answer?.status === 200 ? (JSON.parse(answer.body) as SummaryPart) : undefined,
    );
    return parts.every((part) => part !== undefined) ? parts : undefined;
  }

  /** The payment as one of the peers in `candidates` knows it: its JSON, "unknown", or "unreachable" if one did not say. */
  async find(id: string, candidates: readonly number[]): Promise<{ json: string } | "unknown" | "unreachable"> {
    const asked = [...new Set(candidates)].filter((instance) => this.#pools.has(instance));
    const answers = await Promise.all(asked.map((peer) => this.#call(peer, "GET", `/payments/${id}`)));
    const found = answers.find((answer) => answer?.status === 200);
    if (found) return { json: found.body };
    return answers.every((answer) => answer?.status === 404) ? "unknown" : "unreachable";
  }

  /**
   * Hands a payment's body to its owner and returns the owner's answer, or undefined if it cannot be reached. `headers`: by name and
   * value in turn.
   */
  async forward(owner: number, body: Uint8Array, headers?: readonly string[]): Promise<Answer | undefined> {
    const answer = await this.#call(owner, "POST", "/payments", { body, ...(headers && { headers: [...headers] }) });
    if (answer === undefined) return undefined;
    const answered: [string, string][] = answer.location === undefined ? [] : [["Location", answer.location]];
    if (answer.status === 503) answered.push(["Retry-After", "1"]);
    const isProblem = answer.contentType.startsWith("application/problem+json");
    return { status: answer.status, headers: answered, isProblem, ...(answer.body !== "" && { body: answer.body }) };
  }

  /** Empties every peer; false if one did not say so. */
  async purge(): Promise<boolean> {
    const answers = await Promise.all(this.#instances().map((peer) => this.#call(peer, "POST", "/purge")));
    return answers.every((answer) => answer?.status === 200);
  }

  /** What the live page shows of the peers, as JSON, by instance number from 0; one that does not answer is left out. */
  async readings(): Promise<Map<number, string>> {
    const signal = AbortSignal.timeout(READING_TIMEOUT_MS);
    const answers = await Promise.all(
      this.#instances().map(async (peer) => [peer, await this.#call(peer, "GET", "/sample", { signal })] as const),
    );
    return new Map(answers.flatMap(([peer, answer]) => (answer?.status === 200 ? [[peer, answer.body]] : [])));
  }

  /** Which peers answer, by instance number from 1. */
  async reachable(): Promise<{ instance: number; reachable: boolean }[]> {
    return Promise.all(
      this.#instances().map(async (peer) => {
        const answer = await this.#call(peer, "GET", "/health");
        return { instance: peer + 1, reachable: answer?.status === 200 };
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #instances(): number[] {
    return [...this.#pools.keys()];
  }

  async #call(
    peer: number,
    method: "GET" | "POST",
    path: string,
    options: { body?: Uint8Array; headers?: string[]; signal?: AbortSignal } = {},
  ): Promise<PeerAnswer | undefined> {
    try {
      const response = await this.#pools.get(peer)!.request({ method, path, ...options });
      const { headers, statusCode: status } = response;
      const text = await response.body.text();
      return {
        status,
        body: text,
        location: one(headers["location"]),
        contentType: one(headers["content-type"]) ?? "",
      };
    } catch {
      // Down, too slow, or gone in mid-answer: the callers treat them alike.
      return undefined;
    }
  }
}

function openPool(link: Address, timeoutMs: number): Pool {
  const isUnix = link.kind === "unix";
  return new Pool(isUnix ? "http://instance" : `http://${formatHostPort(link)}`, {
    ...(isUnix && { socketPath: link.path }),
    connections: CONNECTIONS_PER_PEER,
    pipelining: 1,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
