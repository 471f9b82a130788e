import { request } from "node:http";
import { type Address, formatAddress } from "../../system/address.ts";
import { parseObject } from "../../text/json-object.ts";
import { type DoubtListing, type DoubtView, LISTED_MAX } from "../doubt-listing.ts";

const TIMEOUT_MS = 5000;
const ANSWER_BYTES_MAX = 16_777_216;
/** An instance has room for about 8000 doubts. Of payments that are held there may be more: the first are shown. */
const PAGES_MAX = 16;

/** `isForNow`: the same may be answered otherwise soon. */
export type Answer = { status: number; body: Record<string, unknown>; isForNow: boolean };

/** An instance as its operators reach it. What it does not answer rejects, with a line that says what to do. */
export class Instance {
  readonly at: string;
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
    this.at = formatAddress(address);
  }

  /** Everything it has in doubt, as of its first answer, and what it holds as far as the pages go. */
  async listing(): Promise<DoubtListing> {
    const first = await this.#page(0, LISTED_MAX);
    const doubts = new Map<string, DoubtView>(first.doubts.map((doubt) => [doubt.id, doubt]));
    for (let page = 1; page < PAGES_MAX && doubts.size < first.total; page++) {
      const { doubts: more } = await this.#page(page * LISTED_MAX, LISTED_MAX);
      if (more.length === 0) break;
      for (const doubt of more) doubts.set(doubt.id, doubt);
    }
    return { ...first, doubts: [...doubts.values()] };
  }

  /** Its time. */
  async now(): Promise<string> {
    return (await this.#page(0, 0)).now;
  }

  /** Says the word once. Every status is an answer. */
  async settle(id: string, wish: { word: string; asOf: string }): Promise<Answer> {
    try {
      return await this.#ask("POST", `/doubts/${id}`, JSON.stringify(wish));
    } catch (error) {
      throw new Error(`the word may have been taken, say it again: ${(error as Error).message}`);
    }
  }

  async #page(offset: number, limit: number): Promise<DoubtListing> {
    const { status, body } = await this.#ask("GET", `/doubts?offset=${offset}&limit=${limit}`);
    if (status === 200 && Array.isArray(body["doubts"])) return body as DoubtListing;
    throw new Error(
      `at must be an instance's ADMIN_LISTEN, or its LISTEN where it has none: at=${this.at} status=${status}`,
    );
  }

  #ask(method: "GET" | "POST", path: string, body?: string): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": "application/json", "content-length": body.length };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const outgoing = request({ ...this.#target(), method, path, headers, signal, agent: false }, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > ANSWER_BYTES_MAX) incoming.destroy(new Error(`longer than ${ANSWER_BYTES_MAX} bytes`));
        });
        incoming.on("error", reject);
        incoming.on("end", () => {
          const isForNow = incoming.headers["retry-after"] !== undefined;
          resolve({ status: incoming.statusCode ?? 0, body: parseObject(text) ?? {}, isForNow });
        });
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    }).catch((error: Error) => {
      const reason = error.name === "TimeoutError" ? `no answer in ${TIMEOUT_MS} ms` : error.message;
      throw new Error(`an instance must answer: at=${this.at} reason=${reason} (start it, or say where it is: --at)`);
    });
  }

  #target(): { socketPath: string } | { host: string; port: number } {
    if (this.#address.kind === "unix") return { socketPath: this.#address.path };
    // A socket wants IPv6 addresses without the brackets that keep them apart from the port.
    return { host: this.#address.host.replace(/^\[|\]$/g, ""), port: this.#address.port };
  }
}
