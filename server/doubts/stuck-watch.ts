import type { Engine } from "../../core/engine.ts";
import type { Sequence, Slot } from "../../core/values/number-types.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import type { Log } from "../log/log.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import { boundTo } from "./bound-to.ts";

/** Payments named in a line of the log; the others are counted. */
const NAMED_MAX = 5;

/**
 * Says once of each payment that it has become stuck, in doubt or held: one line for all in doubt that have since it
 * last looked, and one for all held.
 */
export class StuckWatch {
  readonly #engine: Engine;
  readonly #log: Log;
  /** By flight, the requestedAt of the payment that was told of there: a place is used again only for a later one. */
  readonly #toldMs: Float64Array;
  /** All held payments before this sequence that are stuck were told of. */
  #toldEnd: Sequence = 0;

  constructor(engine: Engine, log: Log) {
    this.#engine = engine;
    this.#log = log;
    this.#toldMs = new Float64Array(engine.flights.state.length);
  }

  /** To be called every second or so. */
  look(nowMs: number): void {
    this.#lookAtDoubts(nowMs);
    this.#lookAtHeld(nowMs);
  }

  #lookAtDoubts(nowMs: number): void {
    const { flights, ledger, openDoubts } = this.#engine;
    const news: Slot[] = [];
    openDoubts.each((flight) => {
      const slot = flights.slot[flight]!;
      const requestedAtMs = ledger.rows.requestedAtMs(slot);
      if (this.#toldMs[flight] === requestedAtMs || !openDoubts.isStuck(flight, nowMs)) return;
      this.#toldMs[flight] = requestedAtMs;
      news.push(slot);
    });
    this.#tell(news.length, news, "payments in doubt are stuck: an operator has to settle them, see npm run doubts");
  }

  #lookAtHeld(nowMs: number): void {
    const { held, ledger } = this.#engine;
    if (held === undefined) return;
    const end = held.stuckEnd(nowMs);
    const named: Slot[] = [];
    let count = 0;
    for (let sequence = Math.max(this.#toldEnd, ledger.tail); sequence < end; sequence++) {
      const slot = ledger.slotOf(sequence);
      if (held.has(slot) && ++count <= NAMED_MAX) named.push(slot);
    }
    this.#toldEnd = end;
    this.#tell(count, named, "payments have long been held: an operator can settle them, see npm run doubts");
  }

  /** `slots`: of some of them at least. */
  #tell(count: number, slots: readonly Slot[], message: string): void {
    if (count === 0) return;
    const { ledger } = this.#engine;
    const payments = slots.slice(0, NAMED_MAX).map((slot) => {
      const bound = boundTo(ledger, slot);
      return {
        correlationId: formatUuid(ledger.rows.correlationIds, slot * UUID_WORDS),
        ...(bound && {
          processor: this.#engine.processorNames[bound.processor],
          requestedAt: formatTimestamp(bound.requestedAtMs),
        }),
      };
    });
    const known = count === 1 ? payments[0]! : { payments };
    this.#log.logger.warn({ count, ...known }, message);
  }
}
