import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import { HAND_WORDS, type HandWord } from "../../core/settling/settlement.ts";
import type { Slot } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { PROCESSOR_NAMES } from "../../core/values/processor.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import { paymentView } from "../payments/payment-view.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import type { SlewedClock } from "../turn/clock.ts";
import type { GroupCommit } from "../turn/group-commit.ts";
import { doubtListing, type Page } from "./doubt-listing.ts";

/**
 * What an operator says of a payment in doubt, and until when what the processor showed is known to hold; undefined:
 * not said.
 */
export type HandWish = { word: HandWord; asOfMs: number | undefined };

export type HandAnswer =
  /**
   * The payment's JSON as the word left it, which is in the journal; the same if this word was said and taken before.
   */
  | { kind: "settled"; json: string }
  | { kind: "refused"; reason: "shutting_down" | "journal_failing" }
  /**
   * Taken, but the journal failed at it: it counts again once the journal can be written, unless the process ends
   * before.
   */
  | { kind: "not written" }
  | { kind: "unknown" }
  | { kind: "not in doubt"; state: string }
  | { kind: "being asked about" }
  /** Sent to a processor at or after `asOfMs`, so what was seen there then may no longer be so. */
  | { kind: "sent since"; sentAtMs: number };

const STATE_OF_WORD: Readonly<Record<HandWord, number>> = {
  charged: State.PROCESSED,
  "not charged": State.PENDING,
  failed: State.FAILED,
};

/** Where operators look at an instance's payments in doubt, and settle them. */
export class DoubtDesk {
  readonly #service: PaymentService;
  readonly #engine: Engine;
  readonly #clock: SlewedClock;
  readonly #commit: GroupCommit;
  readonly #meters: Meters;
  readonly #log: Log;

  constructor(service: PaymentService, clock: SlewedClock, commit: GroupCommit, meters: Meters, log: Log) {
    this.#service = service;
    this.#engine = service.engine;
    this.#clock = clock;
    this.#commit = commit;
    this.#meters = meters;
    this.#log = log;
  }

  /** See doubtListing; answered once what it says is as durable as was asked for. */
  async list(page: Page): Promise<string> {
    this.#commit.commit();
    const json = doubtListing(this.#engine, page, this.#clock.nowMs());
    await this.#commit.durable();
    return json;
  }

  /** Settles the payment with this correlationId or payment id, by a record that is safe when this resolves. */
  async settle(id: Int32Array, wish: HandWish): Promise<HandAnswer> {
    const { refusal } = this.#service;
    if (refusal !== undefined) return { kind: "refused", reason: refusal };
    // What was gathered before is out of the way: the batch has room, and a journal that fails is found out before
    // anything is settled.
    if (!this.#commit.commit()) return { kind: "refused", reason: "journal_failing" };
    const slot = this.#engine.lookup(id);
    if (slot === NOT_FOUND_SLOT) return { kind: "unknown" };
    if (!this.#isSaid(slot, wish.word)) {
      const refused = this.#tryToSettle(slot, wish);
      if (refused) return refused;
    }
    const json = paymentView(this.#engine, slot);
    const isSafe = await this.#written();
    return isSafe ? { kind: "settled", json } : { kind: "not written" };
  }

  /** Whether the payment stands as this word left it. */
  #isSaid(slot: Slot, word: HandWord): boolean {
    const { rows } = this.#engine.ledger;
    return rows.outcome[slot] === Outcome.SETTLED_BY_HAND && rows.state[slot] === STATE_OF_WORD[word];
  }

  #tryToSettle(slot: Slot, { word, asOfMs }: HandWish): HandAnswer | undefined {
    const { rows } = this.#engine.ledger;
    const state = rows.state[slot]!;
    const nowMs = this.#clock.nowMs();
    if (state === State.IN_DOUBT && asOfMs !== undefined) {
      const sentAtMs = this.#sentAtMs(slot, word);
      if (sentAtMs >= asOfMs) return { kind: "sent since", sentAtMs };
    }
    const processor = rows.processor[slot]!;
    const requestedAtMs = rows.requestedAtMs(slot);
    const result = this.#engine.settleByHand(slot, word, nowMs);
    if (result === "not in doubt") return { kind: result, state: State.NAMES[state]! };
    if (result === "being asked about") return { kind: result };
    this.#note(slot, word, processor, requestedAtMs);
    return undefined;
  }

  /**
   * When the payment was last sent: a charge that was seen before it stands, but that there was none may have changed.
   */
  #sentAtMs(slot: Slot, word: HandWord): number {
    const { flights, ledger } = this.#engine;
    const requestedAtMs = ledger.rows.requestedAtMs(slot);
    const flight = word === "not charged" ? flights.find(slot) : NO_FLIGHT;
    return flight === NO_FLIGHT ? requestedAtMs : Math.max(requestedAtMs, flights.postBeganAtMs[flight]!);
  }

  #note(slot: Slot, word: HandWord, processor: number, requestedAtMs: number): void {
    this.#meters.settledByHand[HAND_WORDS.indexOf(word)]!++;
    if (word === "charged") this.#meters.processed[processor]!++;
    else if (word === "failed") this.#meters.failed[processor]!++;
    const correlationId = formatUuid(this.#engine.ledger.rows.correlationIds, slot * UUID_WORDS);
    const requestedAt = formatTimestamp(requestedAtMs);
    const line = { correlationId, processor: PROCESSOR_NAMES[processor], requestedAt, word };
    this.#log.logger.warn({ ...line, ...this.#log.traceOf?.(slot) }, "payment in doubt settled by hand");
    this.#service.tracing?.payments.settled(slot, Outcome.SETTLED_BY_HAND);
  }

  /** Whether what the batch holds reaches the journal, as durable as was asked for. */
  #written(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#commit.add({ commit: () => resolve(true), abort: () => resolve(false) });
    });
  }
}
