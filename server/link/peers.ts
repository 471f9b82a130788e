import type { Logger } from "pino";
import type { Answer } from "../http/answer.ts";
import type { SummaryPart } from "../payments/summary.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import {
  forwardedOf,
  isLinkHealth,
  isPurged,
  isUnknownPayment,
  LINK_HEALTH,
  LINK_ROOT,
  type PeerAnswer,
  paymentOf,
  readingOf,
  summaryPartsOf,
} from "./peer-answers.ts";
import { type NoAnswer, type PeerCall, PeerLine } from "./peer-line.ts";
import type { Roster } from "./roster.ts";
import { RosterMap } from "./roster-map.ts";

/** Well within the second between two samples: whoever has not said anything by then is shown as not answering. */
const READING_TIMEOUT_MS = 700;

/** A call may have less time than the link timeout. */
export type ForwardOptions = {
  /** By name and value in turn. */
  headers?: readonly string[] | undefined;
  timeoutMs?: number | undefined;
};

/** "elsewhere": the peer has not taken the payment, because it does not carry its partition. */
export type Forwarded = Answer | NoAnswer | "elsewhere";

export type PeersOptions = {
  roster: Roster;
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
  readonly #lines: RosterMap<PeerLine>;
  /** Lines to instances that are gone. */
  readonly #closing = new Set<Promise<void>>();
  readonly #processors: readonly string[];
  readonly #logger: Logger;
  /** Instances that have said so, by number from 0. */
  readonly #haveOthers = new Set<number>();

  constructor({ roster, processors, ...options }: PeersOptions, logger: Logger) {
    this.#processors = processors;
    this.#logger = logger;
    this.#lines = new RosterMap<PeerLine>(roster, {
      open: (_, address) => new PeerLine(address, options, logger),
      close: (line) => {
        const closed = line.close().finally(() => this.#closing.delete(closed));
        this.#closing.add(closed);
      },
    });
  }

  /**
   * What these peers, or all, sum up of the partitions they carry, by instance number from 0; undefined for one of whom
   * that cannot be had. `query`: see linkQuery.
   */
  async summaryParts(
    query: string,
    instances?: readonly number[],
    timeoutMs?: number,
  ): Promise<Map<number, readonly SummaryPart[] | undefined>> {
    const call = { method: "GET", path: `${LINK_ROOT}/summary?${query}`, timeoutMs } as const;
    const answers = await this.#callAll(call, instances);
    return new Map(answers.map(([peer, answer]) => [peer, answer && this.#sameParts(peer, answer)]));
  }

  /** The payment as a peer knows it that carries the partition: its JSON, "unknown", or "unreachable": not a word. */
  async find(
    instance: number,
    partition: number,
    id: string,
    timeoutMs?: number,
  ): Promise<{ json: string } | "unknown" | "unreachable"> {
    const path = `${LINK_ROOT}/payments/${id}?partition=${partition}`;
    const answer = await this.#call(instance, { method: "GET", path, timeoutMs });
    if (typeof answer === "string") return "unreachable";
    const json = paymentOf(answer);
    if (json !== undefined) return { json };
    return isUnknownPayment(answer) ? "unknown" : "unreachable";
  }

  /** Hands a payment's body to the peer that carries its partition; returns the peer's answer, or why there is none. */
  async forward(instance: number, body: Uint8Array, options: ForwardOptions = {}): Promise<Forwarded> {
    const { headers, timeoutMs } = options;
    const path = `${LINK_ROOT}/payments`;
    const call = { method: "POST", path, body, timeoutMs, ...(headers && { headers: [...headers] }) } as const;
    const answer = await this.#call(instance, call);
    return typeof answer === "string" ? answer : forwardedOf(answer);
  }

  /** Empties a partition that a peer carries; false if that one did not say so. Asked once: what came since is kept. */
  async purge(instance: number, partition: number): Promise<boolean> {
    const path = `${LINK_ROOT}/partitions/${partition}/purge`;
    const answer = await this.#call(instance, { method: "POST", path });
    return typeof answer !== "string" && isPurged(answer);
  }

  /**
   * What the live page shows of the peers, as JSON, by instance number from 0; one that does not answer is left out.
   */
  async readings(): Promise<Map<number, string>> {
    const answers = await this.#callAll({ method: "GET", path: `${LINK_ROOT}/sample`, timeoutMs: READING_TIMEOUT_MS });
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
    this.#lines.close();
    await Promise.all(this.#closing);
  }

  /** Undefined where they are no parts, or ones of other processors, which is said once. */
  #sameParts(peer: number, answer: PeerAnswer): SummaryPart[] | undefined {
    const parts = summaryPartsOf(answer, this.#processors);
    if (parts === undefined) return undefined;
    if (!("others" in parts)) {
      this.#haveOthers.delete(peer);
      return parts;
    }
    if (!this.#haveOthers.has(peer)) {
      const fields = { neighbour: peer + 1, processors: parts.others, expected: this.#processors };
      this.#logger.warn(
        fields,
        "another instance has other processors: there are no summaries until both have the same",
      );
    }
    this.#haveOthers.add(peer);
    return undefined;
  }

  /** Nothing is sent to one that is in the roster no more. */
  async #call(instance: number, call: PeerCall): Promise<PeerAnswer | NoAnswer> {
    return (await this.#lines.get(instance)?.call(call)) ?? "unsent";
  }

  /** The answers of these peers, or of all, by instance number from 0; undefined for one that gave none. */
  #callAll(call: PeerCall, instances?: readonly number[]): Promise<(readonly [number, PeerAnswer | undefined])[]> {
    const others = this.#lines.keys();
    const asked = instances === undefined ? others : others.filter((instance) => instances.includes(instance));
    return Promise.all(
      asked.map(async (instance) => {
        const answer = await this.#call(instance, call);
        return [instance, typeof answer === "string" ? undefined : answer] as const;
      }),
    );
  }
}
