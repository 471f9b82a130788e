import { OPEN } from "../../../../core/routing/processor-gate.ts";
import { NOWHERE, type Router } from "../../../../core/routing/router.ts";
import type { Ways } from "../../../../core/routing/ways.ts";
import * as Reason from "../../../../core/values/reason.ts";
import { byFee, probeInOrder } from "./probe-in-order.ts";

/**
 * What the product did before it weighed money against time: a payment waits a fixed time for the cheapest processor
 * that is down, and another for one that is full. With no patience for one that is down it fails over at once, and with
 * endless patience it knows the cheapest only.
 */
export class TwoPatiences implements Router {
  readonly reason = Reason.NONE;
  readonly #ways: Ways;
  readonly #order: readonly number[];
  readonly #downMs: number;
  readonly #fullMs: number;

  constructor(ways: Ways, downMs: number, fullMs: number) {
    this.#ways = ways;
    this.#order = byFee(ways);
    this.#downMs = downMs;
    this.#fullMs = Math.max(downMs, fullMs);
  }

  /** A dearer one too is tried only with what has waited long enough for it. */
  probe(ageMs: number, _isTried: boolean, nowMs: number): number {
    return probeInOrder(this.#ways, ageMs < this.#downMs ? this.#order.slice(0, 1) : this.#order, nowMs);
  }

  /** Oldest first, whatever becomes of the others. */
  isLate(): boolean {
    return false;
  }

  choose(ageMs: number, _waitingCount: number, nowMs: number): number {
    let patienceMs = 0;
    for (const [place, processor] of this.#order.entries()) {
      if (ageMs < patienceMs) return NOWHERE;
      const admitted = this.#ways.admitNew(processor, nowMs);
      const { isDown } = this.#ways.gates[processor]!;
      // The cheapest is probed by the youngest payment, a dearer one by whoever has waited long enough.
      if (admitted === OPEN && (place > 0 || !isDown)) return processor;
      patienceMs = Math.max(patienceMs, isDown ? this.#downMs : this.#fullMs);
    }
    return NOWHERE;
  }
}
