import type { Carriage } from "./neighbours.ts";
import type { Partition } from "./partition.ts";

/**
 * What this instance has of a partition.
 *
 *             nobody has it, and      the right is ours       replayed
 *             it is our turn          and it fits in memory
 *      away ───────────────► claiming ───────────────► adopting ─────────► carried
 *        ▲                      │                         │                   │ its preferred instance is warm and
 *        │◄─── another has it ──┘◄───────── failed ───────┘                   │ reads along; or this one ends, and
 *        │                                                                    ▼ another reads along
 *        └──────────────────────── left, the right given back ◄──────────── leaving
 *
 * Claims go to the right, Departures go back. A right that is gone while the partition is carried, or being left, makes
 * it `lost` at once, and away again once what is left of it has been cleared away.
 */
export type Hold =
  | { state: "away" }
  /** `rank`: how many were to claim it before this instance when the claim began. `giveUp` ends the wait. */
  | { state: "claiming"; rank: number; giveUp: AbortController }
  /** `hasToFit`: it is given up where it turns out not to fit in memory. */
  | { state: "adopting"; sinceMs: number; giveUp: AbortController; hasToFit: boolean }
  | { state: "carried"; partition: Partition }
  | { state: "leaving"; partition: Partition; sinceMs: number }
  /** The right is gone; what is left of it is being cleared away. */
  | { state: "lost" };

/** What this instance has of all partitions. */
export class Holds {
  readonly #holds: Hold[];

  constructor(partitionCount: number) {
    this.#holds = Array.from({ length: partitionCount }, () => ({ state: "away" }));
  }

  get count(): number {
    return this.#holds.length;
  }

  set(partition: number, hold: Hold): void {
    this.#holds[partition] = hold;
  }

  stateOf(partition: number): Hold["state"] | undefined {
    return this.#holds[partition]?.state;
  }

  get(partition: number): Hold {
    return this.#holds[partition]!;
  }

  /** Whether this instance has it, or is about to, and is not about to leave it. */
  isOwn(partition: number): boolean {
    const { state } = this.#holds[partition]!;
    return state === "carried" || state === "adopting";
  }

  /** The partition, if it is carried here. Hot. */
  at(partition: number): Partition | undefined {
    const hold = this.#holds[partition]!;
    return hold.state === "carried" ? hold.partition : undefined;
  }

  /** Those carried here, in their order. */
  carried(): Partition[] {
    return this.#holds.flatMap((hold) => (hold.state === "carried" ? [hold.partition] : []));
  }

  /** What is told of them. */
  carriages(): Carriage[] {
    return this.#holds.flatMap((hold, partition) => carriageOf(hold, partition) ?? []);
  }
}

/** Nobody is told of a claim: whoever has the right makes sure that others do not. Nor of what is lost. */
function carriageOf(hold: Hold, partition: number): Carriage | undefined {
  switch (hold.state) {
    case "adopting":
      return { partition, epoch: 0, state: hold.state, sinceMs: hold.sinceMs };
    case "carried":
      return { partition, epoch: hold.partition.epoch, state: hold.state, sinceMs: hold.partition.sinceMs };
    case "leaving":
      return { partition, epoch: hold.partition.epoch, state: hold.state, sinceMs: hold.sinceMs };
    default:
      return undefined;
  }
}
