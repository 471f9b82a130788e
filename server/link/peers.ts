import type { Logger } from "pino";
import type { Answer } from "../http/answer.ts";
import type { SummaryPart } from "../payments/summary.ts";
import type { Address } from "../system/address.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import type { PeerAnswer } from "./peer-answers.ts";
import {
  isLinkHealth,
  isPurged,
  isUnknownPayment,
  LINK_HEALTH,
  paymentAnswerOf,
  paymentOf,
  readingOf,
  summaryPartOf,
} from "./peer-answers.ts";
import { type NoAnswer, type PeerCall, PeerLine } from "./peer-line.ts";

/** Well within the second between two samples: whoever has not said anything by then is shown as not answering. */
const READING_TIMEOUT_MS = 700;

export type PeersOptions = {
  /** Of all instances in order. */
  links: readonly Address[];
  /** The one that is not a peer. */
  self: number;
  timeoutMs: number;
  /** Per peer. */
  connectionsMax: number;
  names: NameLookup;
  /** Names in the order of their numbers. */
  processors: readonly string[];
};

/**
 * The other instances, over the instance link. Every call is bounded by the link timeout; a peer that is down is an
 * answer.
 */
export class Peers {
  readonly #lines: ReadonlyMap<number, PeerLine>;
  readonly #processors: readonly string[];
  readonly #logger: Logger;
  /** Instances that have said so, by number from 0. */
  readonly #haveOthers = new Set<number>();

  constructor({ links, self, processors, ...options }: PeersOptions, logger: Logger) {
    this.#processors = processors;
    this.#logger = logger;
    const others = links.map((link, instance) => ({ link, instance })).filter(({ instance }) => instance !== self);
    this.#lines = new Map(others.map(({ link, instance }) => [instance, new PeerLine(link, options, logger)]));
  }

  get count(): number {
    return this.#lines.size;
  }

  /** Every peer's part of a summary, or undefined if one cannot be had. */
  async summaryParts(query: string): Promise<SummaryPart[] | undefined> {
    const answers = await this.#callAll({ method: "GET", path: `/summary?${query}` });
    const parts = answers.map(([peer, answer]) => answer && this.#samePart(peer, answer));
    return parts.every((part) => part !== undefined) ? parts : undefined;
  }

  /**
   * The payment as one of the peers in `candidates` knows it: its JSON, "unknown", or "unreachable" if one did not say.
   */
  async find(id: string, candidates: readonly number[]): Promise<{ json: string } | "unknown" | "unreachable"> {
    const asked = [...new Set(candidates)].filter((instance) => this.#lines.has(instance));
    const answers = await this.#callAll({ method: "GET", path: `/payments/${id}` }, asked);
    const [json] = answers.flatMap(([, answer]) => (answer && paymentOf(answer)) ?? []);
    if (json !== undefined) return { json };
    return answers.every(([, answer]) => answer && isUnknownPayment(answer)) ? "unknown" : "unreachable";
  }

  /**
   * Hands a payment's body to its owner and returns the owner's answer, or why there is none. `headers`: by name and
   * value in turn.
   */
  async forward(owner: number, body: Uint8Array, headers?: readonly string[]): Promise<Answer | NoAnswer> {
    const call = { method: "POST", path: "/payments", body, ...(headers && { headers: [...headers] }) } as const;
    const answer = await this.#lines.get(owner)!.call(call);
    return typeof answer === "string" ? answer : (paymentAnswerOf(answer) ?? "unanswered");
  }

  /** Empties every peer; false if one did not say so. */
  async purge(): Promise<boolean> {
    const answers = await this.#callAll({ method: "POST", path: "/purge" });
    return answers.every(([, answer]) => answer && isPurged(answer));
  }

  /**
   * What the live page shows of the peers, as JSON, by instance number from 0; one that does not answer is left out.
   */
  async readings(): Promise<Map<number, string>> {
    const answers = await this.#callAll({ method: "GET", path: "/sample", timeoutMs: READING_TIMEOUT_MS });
    return new Map(
      answers.flatMap(([peer, answer]) => {
        const reading = answer && readingOf(answer, this.#processors);
        return reading === undefined ? [] : [[peer, reading]];
      }),
    );
  }

  /** Which peers answer, by instance number from 1. */
  async reachable(): Promise<{ instance: number; reachable: boolean }[]> {
    const answers = await this.#callAll({ method: "GET", path: LINK_HEALTH });
    return answers.map(([peer, answer]) => ({ instance: peer + 1, reachable: !!answer && isLinkHealth(answer) }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.close()));
  }

  /** Undefined where it is no part, or one of other processors, which is said once. */
  #samePart(peer: number, answer: PeerAnswer): SummaryPart | undefined {
    const part = summaryPartOf(answer, this.#processors);
    if (!Array.isArray(part)) {
      if (part !== undefined) this.#haveOthers.delete(peer);
      return part;
    }
    if (!this.#haveOthers.has(peer)) {
      const fields = { instance: peer + 1, processors: part, expected: this.#processors };
      this.#logger.warn(
        fields,
        "another instance has other processors: there are no summaries until both have the same",
      );
    }
    this.#haveOthers.add(peer);
    return undefined;
  }

  /** The answers of these peers, or of all, by instance number from 0; undefined for one that gave none. */
  #callAll(
    call: PeerCall,
    instances: readonly number[] = [...this.#lines.keys()],
  ): Promise<(readonly [number, PeerAnswer | undefined])[]> {
    return Promise.all(
      instances.map(async (instance) => {
        const answer = await this.#lines.get(instance)!.call(call);
        return [instance, typeof answer === "string" ? undefined : answer] as const;
      }),
    );
  }
}
