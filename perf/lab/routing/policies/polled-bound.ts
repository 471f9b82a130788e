import { type HealthSnapshot, isPolledFailing, minResponseMs } from "../../../../core/routing/health-snapshot.ts";
import { OPEN } from "../../../../core/routing/processor-gate.ts";
import { NOWHERE, type Router } from "../../../../core/routing/router.ts";
import type { Ways } from "../../../../core/routing/ways.ts";
import * as Reason from "../../../../core/values/reason.ts";
import { byFee, probeInOrder } from "./probe-in-order.ts";

const BOUND_MS = 120;
const TIMES_SLOWER = 3;

/**
 * The rule of the final's winner: the default processor while its polled answer time is under 120 ms, else the fallback
 * unless that is three times slower. With more processors: each is passed over for the next dearer one in this way.
 */
export class PolledBound implements Router {
  readonly reason = Reason.NONE;
  readonly #ways: Ways;
  readonly #health: HealthSnapshot;
  readonly #order: readonly number[];

  constructor(ways: Ways, health: HealthSnapshot) {
    this.#ways = ways;
    this.#health = health;
    this.#order = byFee(ways);
  }

  probe(_ageMs: number, _isTried: boolean, nowMs: number): number {
    return probeInOrder(this.#ways, this.#order, nowMs);
  }

  /** Oldest first, whatever becomes of the others. */
  isLate(): boolean {
    return false;
  }

  choose(_ageMs: number, _waitingCount: number, nowMs: number): number {
    const open = this.#order.filter((processor) => {
      // One that is down is admitted as a probe: else a dearer one would never be tried while a cheaper one works.
      const admitted = this.#ways.admitNew(processor, nowMs);
      return admitted === OPEN && !isPolledFailing(this.#health.read(processor));
    });
    let best = open[0] ?? NOWHERE;
    for (const next of open.slice(1)) {
      if (this.#polledMs(best) < BOUND_MS || this.#polledMs(next) > TIMES_SLOWER * this.#polledMs(best)) break;
      best = next;
    }
    return best;
  }

  #polledMs(processor: number): number {
    return minResponseMs(this.#health.read(processor));
  }
}
