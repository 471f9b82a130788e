import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import { HAND_WORDS, type HandWord } from "../../core/settling/settlement.ts";
import type { Slot } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import type { Log } from "../log/log.ts";
import type { Meters } from "../meters/meters.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import { paymentView } from "../payments/payment-view.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import type { SlewedClock } from "../turn/clock.ts";
import type { GroupCommit } from "../turn/group-commit.ts";
import { boundTo } from "./bound-to.ts";

/**
 * What an operator says of a payment that is in doubt or held, and until when what the processor showed is known to
 * hold; undefined: not said.
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
  /** Nor held. */
  | { kind: "not in doubt"; state: string }
  | { kind: "being asked about" }
  /** Held, and sent nowhere as far as is known. */
  | { kind: "at no processor" }
  /** Held, and until then a request of the life whose records are lost may charge it. */
  | { kind: "may land"; untilMs: number }
  /** Sent to a processor at or after `asOfMs`, so what was seen there then may no longer be so. */
  | { kind: "sent since"; sentAtMs: number };

const STATE_OF_WORD: Readonly<Record<HandWord, number>> = {
  charged: State.PROCESSED,
  "not charged": State.PENDING,
  failed: State.FAILED,
};

export type DoubtDeskParts = {
  service: PaymentService;
  clock: SlewedClock;
  commit: GroupCommit;
  meters: Meters;
  log: Log;
};

/** Where operators look at a partition's payments that are in doubt or held, and settle them. */
export class DoubtDesk {
  readonly #service: PaymentService;
  readonly #engine: Engine;
  readonly #clock: SlewedClock;
  readonly #commit: GroupCommit;
  readonly #meters: Meters;
  readonly #log: Log;

  constructor({ service, clock, commit, meters, log }: DoubtDeskParts) {
    this.#service = service;
    this.#engine = service.engine;
    this.#clock = clock;
    this.#commit = commit;
    this.#meters = meters;
    this.#log = log;
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

  /** Whether the payment stands as this word left it. One that is held may have had it in the life that is lost. */
  #isSaid(slot: Slot, word: HandWord): boolean {
    const { rows } = this.#engine.ledger;
    if (this.#engine.held?.has(slot)) return false;
    return rows.outcome[slot] === Outcome.SETTLED_BY_HAND && rows.state[slot] === STATE_OF_WORD[word];
  }

  #tryToSettle(slot: Slot, wish: HandWish): HandAnswer | undefined {
    const { held, ledger } = this.#engine;
    const state = ledger.rows.state[slot]!;
    const nowMs = this.#clock.nowMs();
    const outdated = this.#refusalOfOutdated(slot, wish, nowMs);
    if (outdated) return outdated;
    const bound = boundTo(ledger, slot);
    const what = held?.has(slot) ? "held payment" : "payment in doubt";
    const result = this.#engine.settleByHand(slot, wish.word, nowMs);
    if (result === "not in doubt") return { kind: result, state: State.NAMES[state]! };
    if (result !== "settled") return { kind: result };
    this.#note(slot, wish.word, bound, what);
    return undefined;
  }

  /** What was seen at the processors may have changed since. */
  #refusalOfOutdated(slot: Slot, { word, asOfMs }: HandWish, nowMs: number): HandAnswer | undefined {
    const { held, ledger } = this.#engine;
    if (held?.has(slot) && word === "not charged") {
      const untilMs = held.options.graceUntilMs;
      if ((asOfMs ?? nowMs) < untilMs) return { kind: "may land", untilMs };
    }
    if (asOfMs === undefined || ledger.rows.state[slot] !== State.IN_DOUBT) return undefined;
    const sentAtMs = this.#sentAtMs(slot, word);
    return sentAtMs >= asOfMs ? { kind: "sent since", sentAtMs } : undefined;
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

  #note(slot: Slot, word: HandWord, bound: ReturnType<typeof boundTo>, what: string): void {
    const meters = this.#meters;
    meters.settledByHand[HAND_WORDS.indexOf(word)]!++;
    if (word === "charged" && bound) meters.processed[bound.processor]!++;
    if (word === "failed" && bound) meters.failed[bound.processor]!++;
    if (word === "failed" && !bound) meters.gaveUpCount++;
    const line = {
      correlationId: formatUuid(this.#engine.ledger.rows.correlationIds, slot * UUID_WORDS),
      ...(bound && {
        processor: this.#engine.processorNames[bound.processor],
        requestedAt: formatTimestamp(bound.requestedAtMs),
      }),
      word,
    };
    this.#log.logger.warn({ ...line, ...this.#service.tracing?.payments.traceOf(slot) }, `${what} settled by hand`);
    this.#service.tracing?.payments.settled(slot, Outcome.SETTLED_BY_HAND);
  }

  /** Whether what the batch holds reaches the journal, as durable as was asked for. */
  #written(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#commit.add({ commit: () => resolve(true), abort: () => resolve(false) });
    });
  }
}
