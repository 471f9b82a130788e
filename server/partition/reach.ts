import type { Time } from "../system/time.ts";
import type { Custody } from "./custody.ts";
import type { Partition } from "./partition.ts";

/** The contest's clients give up after 1.5 s, and the balancer turns to another instance after 1 s. */
export const REACH_MS = 800;
/** Requests that wait for a partition to be carried, at most. */
const WAITING_MAX = 4096;
/** After a carrier that could not be reached, unless something changes before. */
const AGAIN_MS = 20;

/** Why nobody was asked. */
export type Unreached = "silent" | "moving" | "too many" | "ending";
/** Not heard of: nothing was sent, or something may have been. */
export type NoWord = "unsent" | "unanswered";

export const UNREACHED_DETAILS: Readonly<Record<Unreached, string>> = {
  silent: "the instance that carries this payment's partition says nothing",
  moving: "this payment's partition is changing hands",
  ending: "shutting down",
  "too many": "too many requests wait for a partition that is changing hands",
};

export type Errand<T> = {
  /** At this instance. */
  here: (partition: Partition) => T | Promise<T>;
  /** At another one, within the time. */
  there: (instance: number, timeoutMs: number) => Promise<T | NoWord>;
};

/** What came of an errand, or why nothing did. `wasSent`: somebody may have been asked, and has not answered. */
export type Errands<T> = { kind: "done"; result: T } | { kind: "unreached"; why: Unreached; wasSent: boolean };

/** Brings what is asked of a partition to whoever carries it, and waits while it changes hands. */
export class Reach {
  readonly #custody: Custody;
  readonly #time: Time;
  #waitingCount = 0;

  constructor(custody: Custody, time: Time) {
    this.#custody = custody;
    this.#time = time;
  }

  /** Errands under way. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** What is asked must be safe to be asked twice. Settles within REACH_MS. Rejects only where an errand here does. */
  async bring<T>(partition: number, errand: Errand<T>): Promise<Errands<T>> {
    if (this.#waitingCount >= WAITING_MAX) return { kind: "unreached", why: "too many", wasSent: false };
    this.#waitingCount++;
    try {
      return await this.#bring(partition, errand);
    } finally {
      this.#waitingCount--;
    }
  }

  async #bring<T>(partition: number, { here, there }: Errand<T>): Promise<Errands<T>> {
    const untilMs = this.#time.monotonicMs() + REACH_MS;
    let wasSent = false;
    for (;;) {
      const leftMs = untilMs - this.#time.monotonicMs();
      if (leftMs <= 0) return { kind: "unreached", why: "moving", wasSent };
      const place = this.#custody.place(partition);
      if (place === "silent") return { kind: "unreached", why: "silent", wasSent };
      if (place === "nowhere") {
        if (this.#custody.isEnding) return { kind: "unreached", why: "ending", wasSent };
        await this.#custody.changed(leftMs);
      } else if ("instance" in place) {
        const word = await there(place.instance, leftMs);
        if (word !== "unsent" && word !== "unanswered") return { kind: "done", result: word };
        wasSent ||= word === "unanswered";
        await this.#custody.changed(Math.min(AGAIN_MS, leftMs));
      } else {
        return { kind: "done", result: await here(place) };
      }
    }
  }
}
