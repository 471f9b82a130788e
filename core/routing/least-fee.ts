import * as Reason from "../values/reason.ts";
import { DOWN, OPEN } from "./processor-gate.ts";
import { NOWHERE, type Router } from "./router.ts";
import { asIfSeen, Spells } from "./spells.ts";
import type { Ways } from "./ways.ts";

export type LeastFeeOptions = {
  /** A payment is to be charged within this time of its acceptance. */
  settleWithinMs: number;
  /** A processor expected to answer later than this is not used while a faster one works. */
  answerWithinMs: number;
  /** Whether a payment may wait for a cheaper processor that works, but is not used because it is slow. */
  waitsForSlow: boolean;
};

/** Between deciding to send and sending, and for what nobody expects: a processor that has just become slower. */
const SPARE_MS = 500;
/** An answer may take this much longer than expected. */
const ANSWER_MARGIN = 1.25;
/** A slow processor counts as fast again when it is expected to answer within this part of what it may take. */
const FAST_AGAIN = 0.8;
/** After so long a processor that is down is tried even with a payment that will be late if it fails. */
const UNTRIED_MS_MAX = 5000;
/** How long a processor stays slow, before anything is seen, worth so many times seen. */
const SLOW_MS_EXPECTED = 30_000;
const SLOW_ENDS_EXPECTED = 1;

/**
 * The policy: settle every payment at the least fee, within the time its owner allows.
 *
 * The oldest payment goes to the cheapest processor that can take it. While a cheaper one cannot, it waits for that one
 * as long as waiting is worth more than it risks, in money per millisecond:
 *
 *   gain    for each cheaper processor:  (its chance to be back in a moment) × (fee saved)
 *   risk    (chance of the one at hand to fail in a moment) × (what is lost then): the fee of the next dearer one that
 *           works; without one, the amount, times the chance that no processor is back in what remains of the time to
 *           settle
 *
 * The risk grows as the time runs out, so the payment leaves some time before its last moment, and at once where the
 * time to settle is short or little can be saved. (One-step look-ahead, which is optimal where the risk only grows:
 * Chow & Robbins 1961.) The chances are learned (spells.ts).
 *
 * One that is full is waited for while it can charge all that waits in time. One that is slow is not used while a
 * faster one works; it may become fast again, so it is waited for like one that is down, unless its owner does not want
 * that: it works, and may stay as it is for good.
 */
export class LeastFee implements Router {
  reason: Reason.ReasonCode = Reason.NONE;
  readonly #ways: Ways;
  readonly #settleWithinMs: number;
  readonly #answerWithinMs: number;
  readonly #waitsForSlow: boolean;
  /** Processors by fee; of equal ones the first configured first. */
  readonly #order: readonly number[];
  /** By processor: how long each stays slow; under way while it is. */
  readonly #slow: readonly Spells[];
  /** Why a cheaper processor was passed over: of the cheapest one. */
  #passedOver: Reason.ReasonCode = Reason.NONE;

  constructor(ways: Ways, { settleWithinMs, answerWithinMs, waitsForSlow }: LeastFeeOptions) {
    this.#waitsForSlow = waitsForSlow;
    this.#ways = ways;
    this.#settleWithinMs = settleWithinMs;
    this.#answerWithinMs = answerWithinMs;
    const { gates } = ways;
    this.#order = gates.map((_, processor) => processor).sort((a, b) => gates[a]!.feePpm - gates[b]!.feePpm || a - b);
    this.#slow = gates.map(() => new Spells(asIfSeen(SLOW_ENDS_EXPECTED, SLOW_MS_EXPECTED)));
  }

  isLate(ageMs: number, nowMs: number): boolean {
    let fastestMs = Number.POSITIVE_INFINITY;
    for (const gate of this.#ways.gates) {
      if (!gate.isDown && !gate.isHanging(nowMs)) fastestMs = Math.min(fastestMs, gate.expectedAnswerMs(nowMs));
    }
    // While none works, or those that do hang, nobody can say.
    return ageMs + (Number.isFinite(fastestMs) ? fastestMs : 0) >= this.#settleWithinMs;
  }

  probe(ageMs: number, isTried: boolean, nowMs: number): number {
    const usable = this.#cheapestUsable(nowMs);
    for (const processor of this.#order) {
      if (processor === usable) return NOWHERE;
      if (!this.#ways.gates[processor]!.isDown || this.#ways.admitNew(processor, nowMs) !== OPEN) continue;
      if (usable !== NOWHERE && !this.#isWorthProbing(processor, usable, ageMs, nowMs)) continue;
      // One that has been tried goes where it is taken, unless it waits anyway.
      if (isTried && this.choose(ageMs, 1, nowMs) !== NOWHERE) continue;
      this.reason = Reason.PROBE;
      return processor;
    }
    return NOWHERE;
  }

  choose(ageMs: number, waitingCount: number, nowMs: number): number {
    const remainingMs = this.#settleWithinMs - ageMs;
    this.#passedOver = Reason.NONE;
    let waitsFor = 0;
    for (const processor of this.#order) {
      const why = this.#whyNot(processor, nowMs);
      if (why === Reason.NONE) {
        if (!this.#goes(processor, waitsFor, remainingMs, waitingCount, nowMs)) return NOWHERE;
        this.#setReason(remainingMs);
        return processor;
      }
      if (this.#passedOver === Reason.NONE) this.#passedOver = why;
      waitsFor |= 1 << processor;
    }
    return remainingMs > 0 ? NOWHERE : this.#whoeverCan(nowMs);
  }

  /** Reason.NONE where the processor takes a payment now. */
  #whyNot(processor: number, nowMs: number): Reason.ReasonCode {
    const admitted = this.#ways.admitNew(processor, nowMs);
    if (this.#ways.gates[processor]!.isDown) return Reason.CHEAPER_DOWN;
    if (this.#isTooSlow(processor, nowMs)) return Reason.CHEAPER_SLOW;
    return admitted === OPEN ? Reason.NONE : Reason.CHEAPER_FULL;
  }

  #setReason(remainingMs: number): void {
    if (this.#passedOver === Reason.NONE) this.reason = Reason.CHEAPEST;
    else this.reason = remainingMs > 0 ? this.#passedOver : Reason.OVERDUE;
  }

  /** The time is over and nobody is as he should be: a slow processor is better than none. */
  #whoeverCan(nowMs: number): number {
    for (const processor of this.#order) {
      if (this.#ways.gates[processor]!.isDown || this.#ways.admitNew(processor, nowMs) !== OPEN) continue;
      this.reason = Reason.OVERDUE;
      return processor;
    }
    return NOWHERE;
  }

  #cheapestUsable(nowMs: number): number {
    for (const processor of this.#order) if (this.#whyNot(processor, nowMs) === Reason.NONE) return processor;
    return NOWHERE;
  }

  /**
   * A probe that fails costs its payment time: it must still be in time at the processor at hand. Now and then one is
   * late, as without it nobody would ever know.
   */
  #isWorthProbing(processor: number, usable: number, ageMs: number, nowMs: number): boolean {
    const gate = this.#ways.gates[processor]!;
    if (gate.isSaidToWork || nowMs - gate.triedAtMs >= UNTRIED_MS_MAX) return true;
    const probeMs = gate.expectedAnswerMs(nowMs) * ANSWER_MARGIN;
    return this.#slackMs(usable, this.#settleWithinMs - ageMs, nowMs) > probeMs;
  }

  /** How long a payment may still wait before it is sent to this processor. */
  #slackMs(processor: number, remainingMs: number, nowMs: number): number {
    return remainingMs - this.#ways.gates[processor]!.expectedAnswerMs(nowMs) * ANSWER_MARGIN - SPARE_MS;
  }

  /** Whether a payment goes to this processor rather than wait for those in `waitsFor`: cheaper ones, a bit each. */
  #goes(processor: number, waitsFor: number, remainingMs: number, waitingCount: number, nowMs: number): boolean {
    if (waitsFor === 0) return true;
    const slackMs = this.#slackMs(processor, remainingMs, nowMs);
    if (slackMs <= 0 || !this.#isInTime(processor, waitingCount, nowMs)) return true;
    const gate = this.#ways.gates[processor]!;
    let gain = 0;
    for (const cheaper of this.#order) {
      if ((waitsFor & (1 << cheaper)) === 0) continue;
      const savedPpm = gate.feePpm - this.#ways.gates[cheaper]!.feePpm;
      if (savedPpm === 0) continue;
      const why = this.#whyNot(cheaper, nowMs);
      if (why !== Reason.CHEAPER_FULL) gain += savedPpm * this.#returnsPerMs(cheaper, why, nowMs);
      else if (this.#isInTime(cheaper, waitingCount, nowMs)) return false;
    }
    return gain <= gate.failuresPerMs(nowMs) * this.#stakePpm(processor, slackMs, nowMs);
  }

  #returnsPerMs(processor: number, why: Reason.ReasonCode, nowMs: number): number {
    if (why === Reason.CHEAPER_SLOW) return this.#waitsForSlow ? this.#slow[processor]!.endsPerMs(nowMs) : 0;
    return this.#ways.gates[processor]!.recoveriesPerMs(nowMs);
  }

  /** Whether the processor can charge the youngest payment in time, after all that waits before it. */
  #isInTime(processor: number, waitingCount: number, nowMs: number): boolean {
    return this.#queueMs(processor, waitingCount, nowMs) < this.#slackMs(processor, this.#settleWithinMs, nowMs);
  }

  /** How long the processor takes to begin all that waits (Little's law). */
  #queueMs(processor: number, waitingCount: number, nowMs: number): number {
    const gate = this.#ways.gates[processor]!;
    return (waitingCount * Math.max(1, gate.expectedAnswerMs(nowMs))) / gate.limitHoped;
  }

  /** What is lost of a payment, in millionths of its amount, if the processor at hand fails while it waits. */
  #stakePpm(processor: number, slackMs: number, nowMs: number): number {
    const { gates } = this.#ways;
    const feePpm = gates[processor]!.feePpm;
    let recoveriesPerMs = gates[processor]!.recoveriesPerMs(nowMs);
    for (const other of this.#order) {
      if (gates[other]!.isDown) recoveriesPerMs += gates[other]!.recoveriesPerMs(nowMs);
      else if (other !== processor && gates[other]!.feePpm >= feePpm && this.#whyNot(other, nowMs) === Reason.NONE)
        return gates[other]!.feePpm - feePpm;
    }
    return (1e6 - feePpm) * Math.exp(-recoveriesPerMs * slackMs);
  }

  /** Whether the processor takes too long while a faster one works. */
  #isTooSlow(processor: number, nowMs: number): boolean {
    const slow = this.#slow[processor]!;
    const expectedMs = this.#ways.gates[processor]!.expectedAnswerMs(nowMs);
    const boundMs = this.#answerWithinMs * (slow.isUnderWay ? FAST_AGAIN : 1);
    if (expectedMs <= boundMs) {
      slow.end(nowMs);
      return false;
    }
    slow.begin(nowMs);
    return this.#isFasterWorking(expectedMs, nowMs);
  }

  #isFasterWorking(expectedMs: number, nowMs: number): boolean {
    return this.#ways.gates.some((gate, other) => {
      return !gate.isDown && gate.expectedAnswerMs(nowMs) < expectedMs && this.#ways.admitNew(other, nowMs) !== DOWN;
    });
  }
}
