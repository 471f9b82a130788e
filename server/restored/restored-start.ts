import type { Engine } from "../../core/engine.ts";
import type { HeldPayments, Inquiry } from "../../core/restored/held-payments.ts";
import { type FoundCharge, judgePast, type Testimony } from "../../core/restored/past-verdict.ts";
import type { Slot } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid } from "../../core/values/uuid.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import { ChargeLookup } from "../sending/charge-lookup.ts";
import type { Told } from "../sending/told-charge.ts";
import type { ProcessorConfig } from "../settings/processors.ts";
import type { RestoredMark } from "../store/restored-mark.ts";
import type { Network } from "../system/network.ts";
import type { Time } from "../system/time.ts";
import type { PartitionTracing } from "../telemetry/tracing.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import type { SlewedClock } from "../turn/clock.ts";
import type { GroupCommit } from "../turn/group-commit.ts";
import { PatientLookup } from "./patient-lookup.ts";
import { testimonyOf } from "./testimony.ts";

/** Payments asked about at once, each at every processor. */
const INQUIRIES_MAX = 16;
const TICK_MS = 20;
/** Between rounds of asking again; the longest when round after round settles nothing. */
const ROUND_PAUSE_MS_MIN = 500;
const ROUND_PAUSE_MS_MAX = 10_000;
const PROGRESS_MS_MIN = 5000;
const PROGRESS_MS_MAX = 300_000;

export type RestoredParts = {
  engine: Engine;
  clock: SlewedClock;
  commit: GroupCommit;
  log: Log;
  meters: Meters;
  mark: RestoredMark;
  processors: readonly ProcessorConfig[];
  requestTimeoutMs: number;
  network: Network;
  time: Time;
  tracing?: PartitionTracing | undefined;
};

/**
 * Asks every processor about each payment that the engine holds after a start with restored data, until all are settled
 * or released and no repetition of a lost one is expected any more. What an answer means: testimony.ts; what all of
 * them mean: core/restored/past-verdict.ts.
 */
export class RestoredStart {
  readonly #parts: RestoredParts;
  readonly #held: HeldPayments;
  readonly #lookups: readonly PatientLookup[];
  readonly #tick: NodeJS.Timeout;
  #inquiryCount = 0;
  #isClosed = false;
  #isAllKnown = false;
  #nextRoundAtMs = 0;
  #roundPauseMs = ROUND_PAUSE_MS_MIN;
  #endedAtRound = 0;
  #nextProgressAtMs = 0;
  #progressMs = PROGRESS_MS_MIN;

  /** The engine holds what is to be asked about. */
  constructor(parts: RestoredParts) {
    this.#parts = parts;
    this.#held = parts.engine.held!;
    this.#lookups = parts.processors.map(
      (processor) => new PatientLookup(new ChargeLookup(processor, parts.requestTimeoutMs, parts)),
    );
    const { lostFromMs, graceUntilMs, watchUntilMs } = this.#held.options;
    const times = {
      lostFrom: formatTimestamp(lostFromMs),
      graceUntil: formatTimestamp(graceUntilMs),
      watchUntil: formatTimestamp(watchUntilMs),
    };
    this.#logger.warn(
      { held: this.#held.count, ...times },
      "restored data: payments are looked up at every processor before they are sent",
    );
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
  }

  /** Asks no more. What is held stays so, and the mark stays: the next start goes on. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#tick);
    for (const lookup of this.#lookups) lookup.close();
  }

  get #logger() {
    return this.#parts.log.logger;
  }

  #onTick(): void {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs >= this.#nextRoundAtMs && this.#held.isRoundOver) this.#beginRound(nowMs);
    this.#ask();
    this.#noteProgress(nowMs);
  }

  /** The round after the grace is the one that counts: it begins at once. */
  #beginRound(nowMs: number): void {
    const { endedCount, options } = this.#held;
    const isMoving = endedCount > this.#endedAtRound;
    this.#roundPauseMs = isMoving ? ROUND_PAUSE_MS_MIN : Math.min(this.#roundPauseMs * 2, ROUND_PAUSE_MS_MAX);
    this.#endedAtRound = endedCount;
    const nextAtMs = nowMs + this.#roundPauseMs;
    const isBeforeGrace = nowMs < options.graceUntilMs;
    this.#nextRoundAtMs = isBeforeGrace ? Math.min(nextAtMs, options.graceUntilMs) : nextAtMs;
    this.#held.beginRound();
  }

  #ask(): void {
    // What would be found out could not be written.
    while (this.#inquiryCount < INQUIRIES_MAX && !this.#parts.commit.isFailing) {
      const inquiry = this.#held.take();
      if (inquiry === undefined) return;
      this.#inquiryCount++;
      void this.#inquire(inquiry);
    }
  }

  async #inquire(inquiry: Inquiry): Promise<void> {
    const beganAtMs = this.#parts.clock.nowMs();
    const correlationId = formatUuid(inquiry.id);
    const told = await Promise.all(this.#lookups.map((lookup) => lookup.ask(correlationId)));
    this.#inquiryCount--;
    if (this.#isClosed) return;
    this.#conclude(inquiry, told, beganAtMs);
    this.#ask();
  }

  #conclude(inquiry: Inquiry, told: readonly Told[], beganAtMs: number): void {
    const { engine, clock, commit } = this.#parts;
    const isWritable = commit.commit() && !commit.isFailing;
    if (!this.#held.isInHand(inquiry)) return;
    // What is about to be said builds on the payment's own record, which must not be taken back any more.
    const { batches, ledger } = engine;
    const isWritten = isWritable && ledger.sequenceOf(inquiry.slot) < batches.unwrittenFrom(ledger.head);
    const nowMs = clock.nowMs();
    const testimonies = told.map((answer, processor) => this.#testimony(inquiry.slot, answer, processor, nowMs));
    const verdict = judgePast(testimonies, beganAtMs >= this.#held.options.graceUntilMs);
    if (!isWritten || verdict.kind === "open") {
      this.#held.putBack(inquiry);
    } else if (verdict.kind === "charged") {
      engine.settleHeld(inquiry, verdict, nowMs);
      this.#noteCharge(inquiry, verdict, told);
    } else if (!engine.release(inquiry, nowMs)) {
      this.#held.putBack(inquiry);
    }
    commit.wake();
  }

  #testimony(slot: Slot, told: Told, processor: number, nowMs: number): Testimony {
    const { rows } = this.#parts.engine.ledger;
    const isBound = rows.state[slot] !== State.PENDING && rows.processor[slot] === processor;
    return testimonyOf(told, {
      cents: rows.cents[slot]!,
      acceptedAtMs: rows.acceptedAtMs[slot]!,
      sentAtMs: isBound ? rows.requestedAtMs(slot) : undefined,
      lostFromMs: this.#held.options.lostFromMs,
      nowMs,
    });
  }

  #noteCharge({ slot, id }: Inquiry, { processor, requestedAtMs, isTwice }: FoundCharge, told: readonly Told[]): void {
    const { meters, tracing, log } = this.#parts;
    meters.processed[processor]!++;
    tracing?.payments.settled(slot, Outcome.FOUND);
    const fields = {
      correlationId: formatUuid(id),
      processor: this.#parts.engine.processorNames[processor],
      requestedAt: formatTimestamp(requestedAtMs),
    };
    if (isTwice)
      log.logger.error({ ...fields, told }, "a payment is charged at two processors: the earlier one counts");
    else if (log.isInfo) log.logger.info(fields, "payment found charged: its records were lost");
  }

  #noteProgress(nowMs: number): void {
    const held = this.#held;
    if (held.count > 0 && nowMs >= this.#nextProgressAtMs) {
      if (this.#nextProgressAtMs > 0) this.#logger.info(this.#progress(), "restored data: payments are still held");
      this.#nextProgressAtMs = nowMs + this.#progressMs;
      this.#progressMs = Math.min(this.#progressMs * 2, PROGRESS_MS_MAX);
    }
    if (held.count === 0 && !this.#isAllKnown) {
      this.#isAllKnown = true;
      this.#logger.info(this.#progress(), "restored data: no payment is held any more");
    }
    if (held.isOver(nowMs) && this.#isWritten()) this.#end();
  }

  /** Without the mark, what was found out or said by operators counts only as far as the journal has it. */
  #isWritten(): boolean {
    const { commit } = this.#parts;
    return commit.commit() && commit.isSettled;
  }

  #end(): void {
    this.close();
    this.#parts.mark.remove();
    this.#logger.warn(
      this.#progress(),
      "restored data: nothing more is expected to come to light; take RESTORED out of the settings if it is set",
    );
  }

  #progress(): object {
    const { count, foundCounts, chargedTwiceCount, releasedCount, byHandCount } = this.#held;
    const { processorNames } = this.#parts.engine;
    const found = Object.fromEntries(processorNames.map((name, p) => [name, foundCounts[p]]));
    const silent = processorNames.filter((_, p) => !this.#lookups[p]!.isTelling);
    return {
      held: count,
      found,
      chargedTwice: chargedTwiceCount,
      released: releasedCount,
      byHand: byHandCount,
      silent,
    };
  }
}
