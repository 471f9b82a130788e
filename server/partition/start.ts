import type { Time } from "../system/time.ts";
import type { Carriers } from "./carriers.ts";
import { type Changes, LOOK_MS } from "./changes.ts";
import type { ClaimPace } from "./claim-pace.ts";
import type { Claims } from "./claims.ts";
import type { Holds } from "./holds.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Succession } from "./succession.ts";

/** A start waits so long for a partition that is locked by nobody who is known, or whose right has yet to lapse. */
const START_CLAIM_MS = 2000;
const GATHERING_MS = 500;

export type StartParts = {
  neighbours: Neighbours;
  time: Time;
  holds: Holds;
  carriers: Carriers;
  succession: Succession;
  claims: Claims;
  claimPace: ClaimPace;
  changes: Changes;
};

/**
 * The steps of a start: this instance gets to know the others, and comes to carry what prefers it. A right that ends
 * with its carrier's process is claimed by the start itself, which fails without it. One that lapses may be another's
 * for a while: it is claimed in turn, and the start waits for that, but not for long.
 */
export class Start {
  readonly #parts: StartParts;

  constructor(parts: StartParts) {
    this.#parts = parts;
  }

  /** Where instances come and go, those that start at the same time hear of each other before they claim anything. */
  async gather(): Promise<void> {
    await this.#parts.time.pause(GATHERING_MS);
  }

  /** Until something is known of every other instance; a process that has just died is no news for long. */
  async knowOthers(signal: AbortSignal): Promise<void> {
    const { neighbours, changes } = this.#parts;
    while (neighbours.others.some((other) => neighbours.standing(other) === "unknown")) {
      signal.throwIfAborted();
      await changes.next(LOOK_MS);
    }
  }

  /** Claims what prefers this instance, unless another has it. Rejects where that cannot be carried. */
  async claimPreferred(signal: AbortSignal): Promise<void> {
    const { holds, succession } = this.#parts;
    for (let partition = 0; partition < holds.count; partition++) {
      if (succession.prefersSelf(partition)) await this.#claimOne(partition, signal);
    }
  }

  /** A right that has to lapse first is not waited for that long: what is missing is another's as yet. */
  async untilPreferredAreCarried(signal: AbortSignal): Promise<void> {
    const { time, holds, carriers, succession, changes } = this.#parts;
    const untilMs = time.monotonicMs() + START_CLAIM_MS;
    const isMissing = (partition: number): boolean =>
      succession.prefersSelf(partition) &&
      holds.at(partition) === undefined &&
      carriers.taken(partition) !== "by one that is up";
    const partitions = Array.from({ length: holds.count }, (_, partition) => partition);
    while (partitions.some(isMissing) && time.monotonicMs() < untilMs) {
      signal.throwIfAborted();
      await changes.next(LOOK_MS);
    }
    signal.throwIfAborted();
  }

  async #claimOne(partition: number, signal: AbortSignal): Promise<void> {
    const { time, neighbours, carriers, claims, claimPace } = this.#parts;
    const untilMs = time.monotonicMs() + START_CLAIM_MS;
    for (;;) {
      signal.throwIfAborted();
      carriers.look();
      if (carriers.taken(partition) !== "no") return;
      const stop = (): void => claims.end();
      signal.addEventListener("abort", stop, { once: true });
      try {
        if (await claims.claim(partition, true)) return;
      } finally {
        signal.removeEventListener("abort", stop);
      }
      // A process that is stopped may have it: it is taken over when that one ends.
      if (neighbours.others.some((other) => neighbours.standing(other) === "silent")) return;
      if (time.monotonicMs() > untilMs)
        throw new Error(`a partition must not be in use by another process: partition=${partition + 1}`);
      await time.pause(claimPace.waitMs(partition, time.monotonicMs()));
    }
  }
}
