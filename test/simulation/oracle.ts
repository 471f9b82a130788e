import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import { makeTotals } from "../../core/ledger/window-totals.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { partitionsByLastByte } from "../../server/partition/partition-map.ts";
import { REACH_MS } from "../../server/partition/reach.ts";
import type { Window } from "../../server/payments/summary.ts";
import { Random } from "../support/random.ts";
import type { Process } from "./process.ts";
import { type Asked, type ToldCharge, ToldWatch } from "./told-watch.ts";
import { expectThat } from "./violation.ts";
import { PAYMENT_MASK } from "./virtual-network.ts";
import type { Charge } from "./virtual-processor.ts";
import type { World } from "./world.ts";

const FINAL_WINDOWS = 6;
/** A question of a process that is over may still arrive so much later. */
const UNDER_WAY_MS_MAX = 1100;

/** What the world outside knows of a payment. */
export type Known = {
  readonly payment: number;
  readonly words: Int32Array;
  readonly partition: number;
  /** The instance that the balancer asks first. */
  readonly preferred: number;
  cents: number;
  /** Requests whose answer was never given, or not yet: they may have been accepted. */
  openCount: number;
  /** Somebody was told that it may have been accepted. */
  isUncertain: boolean;
  wasAsked: boolean;
  /** When that was last. */
  askedAtMs: number;
  /** Told 202; or that, or 200. */
  wasAccepted: boolean;
  isAcknowledged: boolean;
  /** Maybe: a purge was begun and nobody was told whether it was done. */
  purged: "no" | "maybe" | "yes";
  /** It may have come once more, and as a new one, after a purge had forgotten it: it was still on its way. */
  isStray: boolean;
  chargeCount: number;
  /** Somebody was told that it has ended so. */
  toldEnd: "processed" | "failed" | undefined;
};

/** What was known when somebody asked for a payment. */
export type AskedFor = Asked & Pick<Known, "isAcknowledged" | "toldEnd">;

/** What a client was told of a payment. */
export type ToldPayment = { state: string; charge: ToldCharge | undefined };

export type OracleParts = {
  seed: number;
  world: World;
  instanceCount: number;
  partitionCount: number;
  /** Whether ended payments may be evicted. */
  retains: boolean;
  /** By processor, by payment. */
  chargesAt: readonly ReadonlyMap<number, Charge>[];
  /** Of the partition's carrier. */
  engineOf: (partition: number) => Engine;
  areAllCarried: () => boolean;
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
  /** Beginnings and ends of purges: a summary that spans one says nothing. */
  purgeCount = 0;
  readonly #random: Random;
  readonly #parts: OracleParts;
  readonly #partitions: Uint8Array;
  readonly #preferred: Uint8Array;
  /** By partition, the latest carrier's number. */
  readonly #epochs: number[];
  #openPurgeCount = 0;
  /** The latest that was told. */
  #settledUntilMs = Number.NEGATIVE_INFINITY;
  #promised: Promised[] = [];
  readonly #told = new ToldWatch();

  constructor(parts: OracleParts) {
    this.#random = new Random(parts.seed ^ 0x0acce5);
    this.#parts = parts;
    this.#partitions = partitionsByLastByte(parts.partitionCount);
    this.#preferred = partitionsByLastByte(parts.instanceCount);
    this.#epochs = Array.from({ length: parts.partitionCount }, () => 0);
  }

  meet(payment: number, cents: number): Known {
    const words = this.#random.uuid();
    words[3] = (words[3]! & ~PAYMENT_MASK) | payment;
    const known: Known = {
      payment,
      words,
      partition: this.#partitions[payment & 0xff]!,
      preferred: this.#preferred[payment & 0xff]!,
      cents,
      openCount: 0,
      isUncertain: false,
      wasAsked: false,
      askedAtMs: Number.NEGATIVE_INFINITY,
      wasAccepted: false,
      isAcknowledged: false,
      purged: "no",
      isStray: false,
      chargeCount: 0,
      toldEnd: undefined,
    };
    this.known.set(payment, known);
    return known;
  }

  asked(known: Known): void {
    known.wasAsked = true;
    known.askedAtMs = this.#parts.world.clock.nowMs;
    known.openCount++;
    // Whether the purge takes it along is decided by chance.
    if (!this.isPurging || known.purged !== "no") return;
    known.purged = "maybe";
    known.isStray = true;
  }

  /**
   * A host has answered a payment with its amount. `isCertain`: a refusal is the whole truth; `wasAcknowledged`: before
   * this was asked.
   */
  answered(known: Known, status: number, isCertain: boolean, wasAcknowledged: boolean): void {
    known.openCount--;
    if (status === 503 && !isCertain) known.isUncertain = true;
    if (known.purged !== "no") return;
    const name = () => `payment=${known.payment} status=${status}`;
    expectThat(status !== 409, "the same amount is no conflict", name);
    const isAgain = wasAcknowledged || known.wasAccepted;
    expectThat(status !== 202 || !isAgain, "a correlationId is accepted once", name);
    known.wasAccepted ||= status === 202;
    if (status === 202 || status === 200) known.isAcknowledged = true;
  }

  /** A host has answered a payment that it had acknowledged, asked for again with another amount. */
  answeredConflict(known: Known, status: number): void {
    known.openCount--;
    if (known.purged !== "no") return;
    expectThat(
      status === 409 || status === 503,
      "a correlationId stands for one amount",
      () => `payment=${known.payment} status=${status}`,
    );
  }

  /** Somebody asks for a payment, or for a summary, now. */
  askedFor(known?: Known): AskedFor {
    return { ...this.#told.asked(), isAcknowledged: known?.isAcknowledged ?? false, toldEnd: known?.toldEnd };
  }

  /** Somebody is told of a payment; `undefined`: there is none. */
  toldPayment(known: Known, asked: AskedFor, told: ToldPayment | undefined): void {
    if (known.purged !== "no" || this.#parts.retains || this.isPurging) return;
    const name = () => `payment=${known.payment} told=${told?.state} before=${asked.toldEnd}`;
    const isKnown = told !== undefined || !asked.isAcknowledged;
    expectThat(isKnown, "an acknowledged payment is known, whoever is asked", name);
    const isSame = asked.toldEnd === undefined || told?.state === asked.toldEnd;
    expectThat(isSame, "a payment that has ended stays as it was told", name);
    if (told?.state !== "processed" && told?.state !== "failed") return;
    const isFirst = known.toldEnd === undefined;
    known.toldEnd = told.state;
    if (isFirst && told.charge) this.#told.toldCharge(asked, told.charge);
  }

  charged(processor: number, charge: Charge): void {
    if (charge.isForeign) return;
    const known = this.known.get(charge.payment)!;
    known.chargeCount++;
    if (known.isStray) return;
    const name = () => `payment=${charge.payment} processor=${processor}`;
    expectThat(known.chargeCount === 1, "a payment is charged once", name);
    expectThat(charge.cents === known.cents, "a payment is charged at its amount", name);
  }

  /** Somebody has begun to purge, or a partition is about to be purged, until `process` has done so or is over. */
  purgeGoesOn(process: Process): () => void {
    this.#openPurgeCount++;
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      forget();
      this.#openPurgeCount--;
      this.purgeCount++;
      this.#forgetTold();
    };
    // What it has asked of others may be on its way.
    const forget = process.onEnd(() => this.#parts.world.clock.after(UNDER_WAY_MS_MAX, end));
    return end;
  }

  get isPurging(): boolean {
    return this.#openPurgeCount > 0;
  }

  /** Returns what all partitions have forgotten once that is done. */
  purgeBegins(): Known[] {
    this.purgeCount++;
    this.#forgetTold();
    const asked = [...this.known.values()].filter(({ wasAsked, purged }) => wasAsked && purged === "no");
    for (const known of asked) {
      known.purged = "maybe";
      known.isStray = known.openCount > 0 || known.isUncertain || this.#isOnItsWay(known);
    }
    return asked.filter(({ isStray }) => !isStray);
  }

  /** Between instances, on a try that was not waited for. */
  #isOnItsWay({ askedAtMs }: Known): boolean {
    const { clock, linkLateUntilMs } = this.#parts.world;
    return clock.nowMs < linkLateUntilMs && clock.nowMs - askedAtMs < REACH_MS + UNDER_WAY_MS_MAX;
  }

  purged(forgotten: readonly Known[]): void {
    for (const known of forgotten) known.purged = "yes";
  }

  /**
   * A partition has a new carrier: what was acknowledged must be there. What was promised stays, even if its clock was
   * set back meanwhile.
   */
  opened(partition: number, epoch: number, engine: Engine): void {
    const epochBefore = this.#epochs[partition]!;
    this.#epochs[partition] = epoch;
    const name = () => `partition=${partition} epoch=${epoch} before=${epochBefore}`;
    expectThat(epoch > epochBefore, "a later carrier has a higher number", name);
    for (const known of this.known.values()) {
      if (known.partition !== partition) continue;
      this.#expectKept(known, engine);
      // A purge that nobody was told of may not have happened after all; then what it took out of the summaries is
      // back.
      if (known.purged === "maybe") this.#forgetTold();
    }
  }

  #forgetTold(): void {
    this.#promised = [];
    this.#told.forget();
  }

  /** What was told when a summary is asked for: it must not be told less. */
  get settledUntilMs(): number {
    return this.#settledUntilMs;
  }

  /** A summary says until when it is final. */
  toldSettledUntil(settledUntilMs: number, floorMs: number): void {
    const name = () => `settledUntilMs=${settledUntilMs} before=${floorMs}`;
    expectThat(settledUntilMs >= floorMs, "Settled-Until never runs back", name);
    this.#settledUntilMs = Math.max(this.#settledUntilMs, settledUntilMs);
  }

  /** A summary that is final must agree with the processors now, and for good. */
  told(asked: Asked, { fromMs, toMs }: Window, totals: number[], settledUntilMs: number): void {
    const atMs = this.#parts.world.clock.nowMs;
    if (!this.#parts.retains && !this.isPurging) this.#told.toldSummary(asked, fromMs, toMs, totals);
    // What retention has dropped is in no summary any more, so none is final.
    if (toMs >= settledUntilMs || this.#parts.retains || this.isPurging) return;
    // What a purge has left is asked of the carriers.
    if (this.purgeCount > 0 && !this.#parts.areAllCarried()) return;
    this.#expectTotals("a final summary agrees with the processors", fromMs, toMs, totals, atMs);
    this.#promised.push({ fromMs, toMs, totals, atMs });
  }

  /** Everything has settled. At `workingSinceMs` everything had worked for long enough to have found that out. */
  ended(giveUpAfterMs: number, workingSinceMs: number): void {
    for (const known of this.known.values()) {
      this.#expectKept(known, this.#parts.engineOf(known.partition));
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

  #expectKept(known: Known, { ledger }: Engine): void {
    const slot = ledger.find(known.words);
    const name = () => `payment=${known.payment}`;
    if (known.purged === "yes") {
      expectThat(slot === NOT_FOUND_SLOT, "a purged payment stays away", name);
    } else if (known.purged === "no" && known.isAcknowledged) {
      // Retention drops a payment only once it has ended, which `chargeCount` and the totals at the end bear out.
      if (slot === NOT_FOUND_SLOT && this.#parts.retains) return;
      expectThat(slot !== NOT_FOUND_SLOT, "an acknowledged payment is kept", name);
      expectThat(ledger.rows.cents[slot] === known.cents, "a payment keeps its amount", name);
    } else if (known.purged === "no" && known.openCount === 0 && !known.isUncertain) {
      expectThat(slot === NOT_FOUND_SLOT, "a refused payment is not kept", name);
    }
  }

  /** The ledger says of the payment what the processors say. */
  #expectSettled(known: Known, giveUpAfterMs: number, workingSinceMs: number): void {
    const { ledger } = this.#parts.engineOf(known.partition);
    const { rows } = ledger;
    const charges = this.#chargesOf(known.payment);
    const slot = ledger.find(known.words);
    const name = () => {
      const state = slot === NOT_FOUND_SLOT ? "none" : State.NAMES[rows.state[slot]!];
      return `payment=${known.payment} state=${state} charges=${JSON.stringify(charges)}`;
    };
    if (slot === NOT_FOUND_SLOT) {
      const mayBeKept = known.isAcknowledged || known.isUncertain || known.openCount > 0;
      const mayBeGone = known.purged !== "no" || (this.#parts.retains && mayBeKept);
      expectThat(mayBeGone || charges.length === 0, "a payment that is not kept is not charged", name);
      return;
    }
    const state = rows.state[slot];
    expectThat(state === State.PROCESSED || state === State.FAILED, "every payment ends", name);
    if (known.isStray) return;
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
    for (let partition = 0; partition < this.#parts.partitionCount; partition++) {
      this.#parts.engineOf(partition).ledger.sum(fromMs, toMs, part);
      for (let i = 0; i < totals.length; i++) totals[i]! += part[i]!;
    }
    this.#expectTotals("the summary agrees with the processors", fromMs, toMs, totals, 0);
  }

  #expectTotals(rule: string, fromMs: number, toMs: number, totals: readonly number[], atMs: number): void {
    // What comes once more after a purge may be counted under another time, or at another processor.
    if ([...this.known.values()].some((known) => known.isStray && this.#isKnownToUs(known))) return;
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
    return this.#isKnownToUs(known);
  }

  #isKnownToUs({ partition, words }: Known): boolean {
    return this.#parts.engineOf(partition).ledger.find(words) !== NOT_FOUND_SLOT;
  }
}
