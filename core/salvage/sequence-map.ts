import type { Sequence } from "../values/number-types.ts";

/** Sequences [fromSequence, toSequence). */
export type SequenceRange = { fromSequence: number; toSequence: number };

/**
 * From the sequences of a damaged log to those of the one made of it: payments whose acceptance is lost have no place
 * there, and those after them close up. Sequences come in order.
 */
export class SequenceMap {
  readonly #ranges: (SequenceRange & { ours: number })[] = [];
  #lost: SequenceRange[] = [];
  #first = 0;
  #next = 0;

  /** Where the sequences begin of which anything is known. */
  get first(): number {
    return this.#first;
  }

  /** The next sequence that has not come yet. */
  get next(): number {
    return this.#next;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Sequences that never came, of payments that have not been dropped since. */
  get lost(): readonly SequenceRange[] {
    return this.#lost;
  }

  /** Nothing before `sequence` is expected. */
  startAt(sequence: Sequence): void {
    this.#first = sequence;
    this.#next = sequence;
  }

  /** The next sequence is kept, as `ours`. */
  keep(ours: number): void {
    const last = this.#ranges.at(-1);
    const isNext = last !== undefined && last.toSequence === this.#next && last.ours + lengthOf(last) === ours;
    if (isNext) last.toSequence++;
    else this.#ranges.push({ fromSequence: this.#next, toSequence: this.#next + 1, ours });
    this.#next++;
  }

  /** All up to `sequence` are lost. */
  skipTo(sequence: Sequence): void {
    if (sequence <= this.#next) return;
    const last = this.#lost.at(-1);
    if (last?.toSequence === this.#next) last.toSequence = sequence;
    else this.#lost.push({ fromSequence: this.#next, toSequence: sequence });
    this.#next = sequence;
  }

  /** Those before `sequence` no longer matter. */
  forgetBefore(sequence: Sequence): void {
    this.#lost = this.#lost.flatMap((range) => {
      const fromSequence = Math.max(range.fromSequence, sequence);
      return fromSequence < range.toSequence ? [{ ...range, fromSequence }] : [];
    });
  }

  /** The sequence it is kept as, or undefined for one that is lost or has not come. */
  ours(sequence: Sequence): number | undefined {
    const range = this.#ranges[this.#placeOf(sequence)];
    return range !== undefined && sequence < range.toSequence ? range.ours + sequence - range.fromSequence : undefined;
  }

  /** Of all that are kept as less than it: the first sequence of ours that is not before `sequence`. */
  boundary(sequence: Sequence): number {
    const range = this.#ranges[this.#placeOf(sequence)];
    if (range === undefined) return this.#ranges[0]?.ours ?? 0;
    return range.ours + Math.min(sequence, range.toSequence) - range.fromSequence;
  }

  /** What `ours` was in the damaged log. */
  original(ours: number): number {
    const range = this.#ranges.findLast((candidate) => candidate.ours <= ours)!;
    return range.fromSequence + ours - range.ours;
  }

  /** The last range that begins at or before `sequence`; −1 when there is none. */
  #placeOf(sequence: Sequence): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.fromSequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function lengthOf({ fromSequence, toSequence }: SequenceRange): number {
  return toSequence - fromSequence;
}
