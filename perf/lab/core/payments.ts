import { fmix32 } from "../../../core/hash.ts";
import { UUID_WORDS } from "../../../core/uuid.ts";

/**
 * The payments of the benchmark: number n always has the same correlationId and amount, so nothing needs to be kept
 * to ask for it again. fmix32 is a bijection, so no two of them share an id; its output is as good as random, which
 * is what spreads over the index.
 */
export class BenchmarkPayments {
  readonly #salt: number;

  /** `lap` tells apart payments of the same number in the fills of one ledger. */
  constructor(lap: number) {
    this.#salt = fmix32(lap + 1);
  }

  /** Writes the correlationId of payment `n` to out[at … at+3]. */
  writeId(n: number, out: Int32Array, at: number): void {
    const first = fmix32(n ^ this.#salt);
    out[at] = first;
    out[at + 1] = fmix32(first + 1);
    out[at + 2] = fmix32(first + 2);
    out[at + 3] = fmix32(first + 3);
  }
}

/** From 1 to 16 384: no two windows are likely to have the same sum by chance. */
export function centsOf(n: number): number {
  return 1 + (fmix32(n ^ 0x5bd1e995) & 0x3fff);
}

/** The next few payments, made ahead, so that making them is not part of what is measured. */
export class Chunk {
  readonly size: number;
  readonly ids: Int32Array;
  readonly cents: Int32Array;

  /** `size` in payments. */
  constructor(size: number) {
    this.size = size;
    this.ids = new Int32Array(size * UUID_WORDS);
    this.cents = new Int32Array(size);
  }

  put(place: number, payments: BenchmarkPayments, n: number): void {
    payments.writeId(n, this.ids, place * UUID_WORDS);
    this.cents[place] = centsOf(n);
  }
}
