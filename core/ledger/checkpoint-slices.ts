import * as Kind from "../log/record-kind.ts";
import type { Sequence } from "../values/number-types.ts";

/**
 * Which records of the log a checkpoint knows already: its slices' first sequences, and the LSN as of which each is
 * true.
 */
export class CheckpointSlices {
  readonly #sequences: number[] = [];
  readonly #lsns: number[] = [];

  get count(): number {
    return this.#sequences.length;
  }

  /** As of which the last slice is true; 0 when there is none. */
  get lastLsn(): number {
    return this.#lsns.at(-1) ?? 0;
  }

  /** Slices come in the order of their sequences. */
  open(fromSequence: number, lsn: number): void {
    this.#sequences.push(fromSequence);
    this.#lsns.push(lsn);
  }

  /** Whether the slice of the payment was cut after this record was written. */
  cover(kind: number, sequence: Sequence, lsn: number): boolean {
    // These speak of all payments before their sequence, whatever slice that is in.
    if (kind === Kind.PURGED || kind === Kind.EVICTED) return false;
    const sequences = this.#sequences;
    if (sequences.length === 0 || sequence >= sequences.at(-1)!) return false;
    let low = 0;
    let high = sequences.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (sequences[middle]! <= sequence) low = middle;
      else high = middle - 1;
    }
    return lsn < this.#lsns[low]!;
  }
}
