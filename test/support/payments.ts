import type { PaymentRows } from "../../core/ledger/payment-rows.ts";
import * as State from "../../core/values/state.ts";

/** When the tests' stories begin. */
export const NOON_MS = Date.UTC(2025, 6, 15, 12);

/** The UUID of a number, another one for each. */
export function uuid(n: number): Int32Array {
  return Int32Array.of(0x0badcafe, 0x40008000 | 0, 0x80000000 | 0, n);
}

/** Fills a row as if its payment had been processed at once. */
export function fillProcessed(rows: PaymentRows, slot: number, atMs: number, cents: number, at: number): void {
  rows.open(slot, atMs, cents, State.PROCESSED);
  rows.processor[slot] = at;
}

/** What is compared with the totals: count and cents per processor, by adding up one by one. */
export class NaiveTotals {
  readonly charges: { atMs: number; cents: number; processor: number }[] = [];
  readonly #processorCount: number;

  constructor(processorCount = 2) {
    this.#processorCount = processorCount;
  }

  add(atMs: number, cents: number, processor: number): void {
    this.charges.push({ atMs, cents, processor });
  }

  sum(fromMs: number, toMs: number): number[] {
    const totals = new Array<number>(this.#processorCount * 2).fill(0);
    for (const { atMs, cents, processor } of this.charges) {
      if (atMs < fromMs || atMs > toMs) continue;
      totals[processor * 2]!++;
      totals[processor * 2 + 1]! += cents;
    }
    return totals;
  }
}
