import type { Engine } from "../../core/engine.ts";
import { PROCESSOR_NAMES } from "../../core/values/processor.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import type { Log } from "../log/log.ts";
import { formatTimestamp } from "../text/timestamp.ts";

/** Payments named in a line of the log; the others are counted. */
const NAMED_MAX = 5;

/** Says once of each payment in doubt that it has become stuck, one line for all that have since it last looked. */
export class StuckWatch {
  readonly #engine: Engine;
  readonly #log: Log;
  /** By flight, the requestedAt of the payment that was told of there: a place is used again only for a later one. */
  readonly #toldMs: Float64Array;

  constructor(engine: Engine, log: Log) {
    this.#engine = engine;
    this.#log = log;
    this.#toldMs = new Float64Array(engine.flights.state.length);
  }

  /** To be called every second or so. */
  look(nowMs: number): void {
    const { flights, ledger } = this.#engine;
    const news: number[] = [];
    this.#engine.eachDoubt((flight) => {
      const requestedAtMs = ledger.rows.requestedAtMs(flights.slot[flight]!);
      if (this.#toldMs[flight] === requestedAtMs || !this.#engine.isStuck(flight, nowMs)) return;
      this.#toldMs[flight] = requestedAtMs;
      news.push(flight);
    });
    if (news.length > 0) this.#tell(news);
  }

  #tell(flights: readonly number[]): void {
    const payments = flights.slice(0, NAMED_MAX).map((flight) => {
      const slot = this.#engine.flights.slot[flight]!;
      return {
        correlationId: formatUuid(this.#engine.ledger.rows.correlationIds, slot * UUID_WORDS),
        processor: PROCESSOR_NAMES[this.#engine.flights.processor[flight]!],
        requestedAt: formatTimestamp(this.#engine.ledger.rows.requestedAtMs(slot)),
      };
    });
    const known = flights.length === 1 ? payments[0]! : { payments };
    this.#log.logger.warn(
      { count: flights.length, ...known },
      "payments in doubt are stuck: an operator has to settle them, see npm run doubts",
    );
  }
}
