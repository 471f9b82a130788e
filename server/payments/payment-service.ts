import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import type { AcceptResult } from "../../core/values/accept-result.ts";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import type { Log } from "../log/log.ts";
import type { Meters, Refusal } from "../meters/meters.ts";
import type { PartitionTracing } from "../telemetry/tracing.ts";
import type { SlewedClock } from "../turn/clock.ts";
import type { Effect } from "../turn/effect.ts";
import type { GroupCommit } from "../turn/group-commit.ts";
import type { PaymentBody } from "./payment-body.ts";
import { paymentView } from "./payment-view.ts";
import { type SummaryPart, summaryPart, type Window } from "./summary.ts";

/** By AcceptResult. */
const ANSWER_LINES = [
  "payment accepted",
  "payment repeated",
  "payment refused: conflict",
  "payment refused: the ledger is full",
] as const;

export type PaymentServiceParts = {
  engine: Engine;
  clock: SlewedClock;
  commit: GroupCommit;
  meters: Meters;
  log: Log;
  /** The last body read; one is enough for all partitions, because a body is read and accepted in one go. */
  body: PaymentBody;
  tracing?: PartitionTracing | undefined;
};

/** What the APIs of an instance (public and link) can do with the payments of a partition that it carries. */
export class PaymentService {
  readonly body: PaymentBody;
  readonly engine: Engine;
  readonly tracing: PartitionTracing | undefined;
  readonly #clock: SlewedClock;
  readonly #commit: GroupCommit;
  readonly #meters: Meters;
  readonly #log: Log;
  #isClosing = false;

  constructor({ engine, clock, commit, meters, log, body, tracing }: PaymentServiceParts) {
    this.body = body;
    this.engine = engine;
    this.tracing = tracing;
    this.#clock = clock;
    this.#commit = commit;
    this.#meters = meters;
    this.#log = log;
  }

  /** From now on nothing new is accepted. */
  beginClosing(): void {
    this.#isClosing = true;
  }

  /** Why nothing is accepted now, if so. */
  get refusal(): "shutting_down" | "journal_failing" | undefined {
    if (this.#isClosing) return "shutting_down";
    return this.#commit.isFailing ? "journal_failing" : undefined;
  }

  /** See GroupCommit. */
  get isCurrent(): boolean {
    return this.#commit.isCurrent;
  }

  /** A payment is answered by what the engine said of it. Hot. */
  answered(result: AcceptResult, correlationId: string): void {
    this.#meters.accepts[result]!++;
    if (this.#log.isDebug) this.#log.logger.debug(this.#fieldsOf(correlationId), ANSWER_LINES[result]);
  }

  /** A payment is refused before the engine sees it, or because the engine's word could not be written. */
  refused(reason: Refusal, correlationId?: string): void {
    this.#meters.refused(reason);
    if (this.#log.isDebug) this.#log.logger.debug({ correlationId, reason }, "payment refused");
  }

  /**
   * Accepts the payment in `body`; it is safe once an effect that was handed to `whenSafe` afterwards is committed.
   * Hot.
   */
  accept(): AcceptResult {
    return this.engine.accept(this.body.id, 0, this.body.cents, this.#clock.nowMs());
  }

  /** See GroupCommit. Hot. */
  whenSafe(effect: Effect): void {
    this.#commit.add(effect);
  }

  /** Whether there is a payment with this correlationId here, safe or not. */
  knows(correlationId: Int32Array): boolean {
    return this.engine.ledger.find(correlationId) !== NOT_FOUND_SLOT;
  }

  /** JSON of the payment with this correlationId or payment id as it stands now, safe or not, if it is ours. */
  view(id: Int32Array): string | undefined {
    const slot = this.engine.lookup(id);
    return slot === NOT_FOUND_SLOT ? undefined : paymentView(this.engine, slot);
  }

  /**
   * Calls back with the same once what it says is as durable as was asked for, or with "unsafe" while something has
   * happened that the journal cannot take: a restart would know nothing of it. Before this returns where there is
   * nothing to wait for.
   */
  look(id: Int32Array, onKnown: (json: string | undefined | "unsafe") => void): void {
    this.#commit.commit();
    const json = this.view(id);
    this.#commit.whenDurable((isDurable) => onKnown(isDurable ? json : "unsafe"));
  }

  /** The partition's part of a summary likewise; undefined where a payment would be "unsafe". */
  async summaryPart(window: Window): Promise<SummaryPart | undefined> {
    this.#commit.commit();
    const part = this.partNow(window);
    return (await this.#commit.durable()) ? part : undefined;
  }

  /** The partition's part of a summary as it stands now, safe or not. */
  partNow(window: Window): SummaryPart {
    const part = summaryPart(this.engine, window, this.#clock.nowMs(), !this.#commit.isFailing);
    if (!this.#commit.commit()) part.settledUntilMs = Math.min(part.settledUntilMs, this.engine.watermarkBoundMs);
    return part;
  }

  /** Writes what is still to be written. */
  flush(): void {
    this.#commit.commit();
  }

  /** Forgets every payment; false when that could not be written. */
  async purge(): Promise<boolean> {
    // What is under way to the log could yet be taken back.
    const isPurged = await new Promise<boolean>((resolve) => {
      this.#commit.whenSettled((isSettled) => resolve(isSettled && this.#purgeNow()));
    });
    return isPurged && this.#commit.durable();
  }

  #purgeNow(): boolean {
    this.engine.purge(this.#clock.nowMs());
    this.tracing?.payments.forgotten();
    return this.#commit.commit();
  }

  #fieldsOf(correlationId: string): object {
    const id = new Int32Array(UUID_WORDS);
    const slot = parseUuidText(correlationId, id) ? this.engine.lookup(id) : NOT_FOUND_SLOT;
    return { correlationId, ...(slot !== NOT_FOUND_SLOT && this.tracing?.payments.traceOf(slot)) };
  }
}
