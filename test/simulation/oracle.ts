import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import { makeTotals } from "../../core/ledger/window-totals.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { ownersByLastByte } from "../../server/payments/ownership.ts";
import { Random } from "../support/random.ts";
import { expectThat } from "./violation.ts";
import { PAYMENT_MASK } from "./virtual-network.ts";
import type { Charge } from "./virtual-processor.ts";

const FINAL_WINDOWS = 6;

/** What the world outside knows of a payment. */
export type Known = {
  readonly payment: number;
  readonly words: Int32Array;
  readonly owner: number;
  cents: number;
  /** Requests whose answer was never given, or not yet: they may have been accepted. */
  openCount: number;
  wasAsked: boolean;
  isAcknowledged: boolean;
  /** Maybe: a purge was begun and nobody was told whether it was done. */
  purged: "no" | "maybe" | "yes";
  chargeCount: number;
};

export type OracleParts = {
  seed: number;
  instanceCount: number;
  /** Whether ended payments may be evicted. */
  retains: boolean;
  /** By processor, by payment. */
  chargesAt: readonly ReadonlyMap<number, Charge>[];
  /** Of the life that goes on. */
  engineOf: (instance: number) => Engine;
};

type Promised = { fromMs: number; toMs: number; totals: number[]; atMs: number };

/**
 * Follows a run from outside, from what clients and processors see, and says when a promise is broken. Which promises
 * do not hold under which faults:
 *
 *   retention            a payment that has ended may be gone, so no summary is final
 *   a purge              what was asked before may be gone; told summaries count for nothing; until the purge is
 *                        answered, what was asked before may be back at a restart
 *   a wall clock set     ages are not what they were: a payment may be given up early
 *   a processor that     a payment may be failed: rejected eight times, while others were taken
 *   refuses
 *   a poll on its way    two polls may be closer than 5 s once one takes longer than PollRights leaves for that: none
 *                        does here
 *
 * All others hold under every fault: kills, stops, losses of power, failing disks, any answer or none.
 */
export class Oracle {
  readonly known = new Map<number, Known>();
  purgeCount = 0;
  readonly #random: Random;
  readonly #parts: OracleParts;
  readonly #owners: Uint8Array;
  #promised: Promised[] = [];

  constructor(parts: OracleParts) {
    this.#random = new Random(parts.seed ^ 0x0acce5);
    this.#parts = parts;
    this.#owners = ownersByLastByte(parts.instanceCount);
  }

  meet(payment: number, cents: number): Known {
    const words = this.#random.uuid();
    words[3] = (words[3]! & ~PAYMENT_MASK) | payment;
    const owner = this.#owners[payment & 0xff]!;
    const known: Known = {
      payment,
      words,
      owner,
      cents,
      openCount: 0,
      wasAsked: false,
      isAcknowledged: false,
      purged: "no",
      chargeCount: 0,
    };
    this.known.set(payment, known);
    return known;
  }

  asked(known: Known): void {
    known.wasAsked = true;
    known.openCount++;
  }

  /** A host has answered a payment with its amount. */
  answered(known: Known, status: number): void {
    known.openCount--;
    if (known.purged !== "no") return;
    const name = () => `payment=${known.payment} status=${status}`;
    expectThat(status !== 409, "the same amount is no conflict", name);
    expectThat(status !== 202 || !known.isAcknowledged, "a correlationId is accepted once", name);
    if (status === 202 || status === 200) known.isAcknowledged = true;
  }

  /** A host has answered a payment that it had acknowledged, asked for again with another amount. */
  answeredConflict(known: Known, status: number): void {
    if (known.purged !== "no") return;
    expectThat(
      status === 409 || status === 503,
      "a correlationId stands for one amount",
      () => `payment=${known.payment} status=${status}`,
    );
  }

  charged(processor: number, charge: Charge): void {
    if (charge.isForeign) return;
    const known = this.known.get(charge.payment)!;
    known.chargeCount++;
    const name = () => `payment=${charge.payment} processor=${processor}`;
    expectThat(known.chargeCount === 1, "a payment is charged once", name);
    expectThat(charge.cents === known.cents, "a payment is charged at its amount", name);
  }

  purgeBegins(instance: number): void {
    this.purgeCount++;
    this.#promised = [];
    for (const known of this.known.values()) {
      if (known.owner === instance && known.wasAsked && known.purged === "no") known.purged = "maybe";
    }
  }

  purged(instance: number): void {
    for (const known of this.known.values()) {
      if (known.owner === instance && known.purged === "maybe") known.purged = "yes";
    }
  }

  /**
   * A host has started: what was acknowledged must be there. What was promised stays, even if its clock was set back
   * meanwhile.
   */
  started(instance: number): void {
    for (const known of this.known.values()) {
      if (known.owner !== instance) continue;
      this.#expectKept(known);
      // A purge that nobody was told of may not have happened after all; then what it took out of the summaries is
      // back.
      if (known.purged === "maybe") this.#promised = [];
    }
  }

  /** A summary that is final must agree with the processors now, and for good. */
  told(fromMs: number, toMs: number, totals: number[], settledUntilMs: number, atMs: number): void {
    // What retention has dropped is in no summary any more, so none is final.
    if (toMs >= settledUntilMs || this.#parts.retains) return;
    this.#expectTotals("a final summary agrees with the processors", fromMs, toMs, totals, atMs);
    this.#promised.push({ fromMs, toMs, totals, atMs });
  }

  /** Everything has settled. At `workingSinceMs` everything had worked for long enough to have found that out. */
  ended(giveUpAfterMs: number, workingSinceMs: number): void {
    for (const known of this.known.values()) {
      this.#expectKept(known);
      this.#expectSettled(known, giveUpAfterMs, workingSinceMs);
    }
    for (const { fromMs, toMs, totals, atMs } of this.#promised) {
      this.#expectTotals("a final summary stays final", fromMs, toMs, totals, atMs);
    }
    this.#expectTotalsOf(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const times = this.#parts.chargesAt.flatMap((charges) => [...charges.values()].map((c) => c.requestedAtMs));
    if (times.length === 0) return;
    for (let window = 0; window < FINAL_WINDOWS; window++) {
      const edge = () => this.#random.pick(times) + this.#random.between(-1, 1);
      this.#expectTotalsOf(edge(), edge());
    }
  }

  #expectKept(known: Known): void {
    const { ledger } = this.#parts.engineOf(known.owner);
    const slot = ledger.find(known.words);
    const name = () => `payment=${known.payment}`;
    if (known.purged === "yes") {
      expectThat(slot === NOT_FOUND_SLOT, "a purged payment stays away", name);
    } else if (known.purged === "no" && known.isAcknowledged) {
      // Retention drops a payment only once it has ended, which `chargeCount` and the totals at the end bear out.
      if (slot === NOT_FOUND_SLOT && this.#parts.retains) return;
      expectThat(slot !== NOT_FOUND_SLOT, "an acknowledged payment is kept", name);
      expectThat(ledger.rows.cents[slot] === known.cents, "a payment keeps its amount", name);
    } else if (known.purged === "no" && known.openCount === 0) {
      expectThat(slot === NOT_FOUND_SLOT, "a refused payment is not kept", name);
    }
  }

  /** The ledger says of the payment what the processors say. */
  #expectSettled(known: Known, giveUpAfterMs: number, workingSinceMs: number): void {
    const { ledger } = this.#parts.engineOf(known.owner);
    const { rows } = ledger;
    const charges = this.#chargesOf(known.payment);
    const slot = ledger.find(known.words);
    const name = () => {
      const state = slot === NOT_FOUND_SLOT ? "none" : State.NAMES[rows.state[slot]!];
      return `payment=${known.payment} state=${state} charges=${JSON.stringify(charges)}`;
    };
    if (slot === NOT_FOUND_SLOT) {
      const mayBeGone = known.purged !== "no" || (this.#parts.retains && (known.isAcknowledged || known.openCount > 0));
      expectThat(mayBeGone || charges.length === 0, "a payment that is not kept is not charged", name);
      return;
    }
    const state = rows.state[slot];
    expectThat(state === State.PROCESSED || state === State.FAILED, "every payment ends", name);
    expectThat(charges.length === (state === State.PROCESSED ? 1 : 0), "processed means charged", name);
    const endedAtMs =
      state === State.FAILED && rows.outcome[slot] === Outcome.GAVE_UP ? rows.acceptedAtMs[slot]! + giveUpAfterMs : 0;
    expectThat(endedAtMs <= workingSinceMs, "nothing is given up while the processors work", name);
    if (state !== State.PROCESSED) return;
    const { processor, cents, requestedAtMs } = charges[0]!;
    expectThat(processor === rows.processor[slot], "a charge is known under its processor", name);
    expectThat(requestedAtMs === rows.requestedAtMs(slot), "a charge is known at its requestedAt", name);
    expectThat(cents === rows.cents[slot], "a charge is known with its amount", name);
  }

  #chargesOf(payment: number): (Charge & { processor: number })[] {
    return this.#parts.chargesAt.flatMap((charges, processor) => {
      const charge = charges.get(payment);
      return charge && !charge.isForeign ? [{ ...charge, processor }] : [];
    });
  }

  #expectTotalsOf(fromMs: number, toMs: number): void {
    const processorCount = this.#parts.chargesAt.length;
    const totals = new Array<number>(processorCount * 2).fill(0);
    const part = makeTotals(processorCount);
    for (let instance = 0; instance < this.#parts.instanceCount; instance++) {
      this.#parts.engineOf(instance).ledger.sum(fromMs, toMs, part);
      for (let i = 0; i < totals.length; i++) totals[i]! += part[i]!;
    }
    this.#expectTotals("the summary agrees with the processors", fromMs, toMs, totals, 0);
  }

  #expectTotals(rule: string, fromMs: number, toMs: number, totals: readonly number[], atMs: number): void {
    const { chargesAt } = this.#parts;
    const charged = new Array<number>(chargesAt.length * 2).fill(0);
    for (const [processor, charges] of chargesAt.entries()) {
      for (const charge of charges.values()) {
        const { payment, cents, requestedAtMs, isForeign } = charge;
        if (isForeign || requestedAtMs < fromMs || requestedAtMs > toMs || !this.#isCounted(payment)) continue;
        charged[processor * 2]!++;
        charged[processor * 2 + 1]! += cents;
      }
    }
    const isEqual = charged.every((value, i) => value === totals[i]);
    expectThat(isEqual, rule, () => `from=${fromMs} to=${toMs} ours=[${totals}] theirs=[${charged}] toldAtMs=${atMs}`);
  }

  /** A charge of a payment that was purged is the purge's. */
  #isCounted(payment: number): boolean {
    const known = this.known.get(payment)!;
    if (known.purged === "no" && !this.#parts.retains) return true;
    return this.#parts.engineOf(known.owner).ledger.find(known.words) !== NOT_FOUND_SLOT;
  }
}
