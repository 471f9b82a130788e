import type { Engine } from "../../core/engine.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import type { PartitionTracing } from "../telemetry/tracing.ts";

/** Counts, traces and logs what becomes of payments and of the ways to their processors. */
export class AttemptLog {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #meters: Meters;
  readonly #tracing: PartitionTracing | undefined;
  readonly #wasDown: boolean[];

  constructor(engine: Engine, log: Log, meters: Meters, tracing?: PartitionTracing) {
    this.#engine = engine;
    this.#log = log;
    this.#meters = meters;
    this.#tracing = tracing;
    this.#wasDown = engine.gates.map(() => false);
  }

  /** An attempt for the payment in `slot` has ended. Hot: no line is put together that nobody wants. */
  settled(slot: number, processor: number, outcome: number, elapsedMs: number): void {
    this.#note(slot, processor, outcome, elapsedMs);
    this.#tracing?.payments.settled(slot, outcome);
  }

  /** A payment became too old while it was pending. */
  gaveUp(slot: number): void {
    this.#meters.gaveUpCount++;
    this.#tracing?.payments.gaveUp(slot);
    if (this.#log.isInfo) this.#log.logger.info(this.#fieldsOf(slot), "payment failed: gave up");
  }

  /** Says which processors have gone down or come back since it was last called. */
  noteHealth(): void {
    const { gates } = this.#engine;
    for (let p = 0; p < gates.length; p++) {
      const { isDown, downReason } = gates[p]!;
      if (isDown === this.#wasDown[p]) continue;
      this.#wasDown[p] = isDown;
      const reason = downReason === Outcome.NONE ? "polled failing" : Outcome.NAMES[downReason];
      const processor = this.#engine.processorNames[p];
      if (isDown) this.#log.logger.warn({ processor, reason }, "processor down");
      else this.#log.logger.warn({ processor }, "processor back");
    }
  }

  #note(slot: number, processor: number, outcome: number, ms: number): void {
    const state = this.#engine.ledger.rows.state[slot]!;
    if (state === State.PROCESSED) this.#meters.processed[processor]!++;
    else if (state === State.FAILED) this.#meters.failed[processor]!++;
    const isEnd = state === State.PROCESSED || state === State.FAILED;
    if (isEnd ? !this.#log.isInfo : !this.#log.isDebug) return;
    const line = {
      ...this.#fieldsOf(slot),
      processor: this.#engine.processorNames[processor],
      ms,
      outcome: Outcome.NAMES[outcome],
    };
    if (state === State.PROCESSED) this.#log.logger.info(line, "payment processed");
    else if (state === State.FAILED) this.#log.logger.info(line, "payment failed");
    else this.#log.logger.debug(line, "attempt ended");
  }

  #fieldsOf(slot: number): object {
    const correlationId = formatUuid(this.#engine.ledger.rows.correlationIds, slot * UUID_WORDS);
    return { correlationId, ...this.#tracing?.payments.traceOf(slot) };
  }
}
