import { ConcurrencyLimiter } from "../../perf/processor/concurrency-limiter.ts";
import { HealthWindow } from "../../perf/processor/health-window.ts";
import { expectThat } from "./violation.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export type Charge = { payment: number; cents: number; requestedAtMs: number; isForeign: boolean };
export type HealthAnswer = { failing: boolean; minResponseMs: number };
type Caller = (answer: HealthAnswer | undefined) => void;

const HEALTH_INTERVAL_MS = 5000;
const HEALTH_HELD_MAX = 2;

/** A payment processor with the contract's semantics, step by step: limiter, delay, failure, duplicate, charge. */
export class VirtualProcessor {
  delayMs = 0;
  failing = false;
  readonly charges = new Map<number, Charge>();
  readonly #clock: VirtualClock;
  readonly #limiter: ConcurrencyLimiter;
  readonly #onCharge: (charge: Charge) => void;
  readonly #health = new HealthWindow<Caller>({ windowMs: HEALTH_INTERVAL_MS, heldCountMax: HEALTH_HELD_MAX });
  #polledAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: VirtualClock, places: number, queue: number, onCharge: (charge: Charge) => void) {
    this.#clock = clock;
    this.#limiter = new ConcurrencyLimiter({ inFlightCountMax: places, queuedCountMax: queue });
    this.#onCharge = onCharge;
  }

  /** POST /payments. Goes on whether or not the caller still listens. */
  post(charge: Charge, answer: (status: number) => void): void {
    this.#enter(answer, () => {
      if (this.delayMs === 0) this.#settle(charge, answer);
      else this.#clock.after(this.delayMs, () => this.#settle(charge, answer));
    });
  }

  /** GET /payments/{id} */
  lookup(payment: number, answer: (status: number, charge?: Charge) => void): void {
    this.#enter(answer, () => {
      const charge = this.charges.get(payment);
      if (charge) answer(200, charge);
      else answer(404);
      this.#limiter.leave();
    });
  }

  /** GET /payments/service-health */
  pollHealth(answer: Caller): void {
    const { nowMs } = this.#clock;
    const gapMs = nowMs - this.#polledAtMs;
    expectThat(gapMs >= HEALTH_INTERVAL_MS, "health is polled within its limit", () => `gapMs=${gapMs}`);
    this.#polledAtMs = nowMs;
    this.#answerHeld();
    const verdict = this.#health.arrive(answer, nowMs);
    if (verdict === "granted") this.#answerHealth(answer);
    else if (verdict === "refused") answer(undefined);
    else this.#clock.after(this.#health.nextDueMs() - nowMs, () => this.#answerHeld());
  }

  #enter(answer: (status: number) => void, start: () => void): void {
    const verdict = this.#limiter.enter({ start });
    if (verdict === "refused") answer(429);
    else if (verdict === "started") start();
  }

  #settle(charge: Charge, answer: (status: number) => void): void {
    if (this.failing) answer(500);
    else if (this.charges.has(charge.payment)) answer(422);
    else {
      this.charges.set(charge.payment, charge);
      this.#onCharge(charge);
      answer(200);
    }
    this.#limiter.leave();
  }

  #answerHeld(): void {
    for (;;) {
      const caller = this.#health.takeDue(this.#clock.nowMs);
      if (caller === undefined) return;
      this.#answerHealth(caller);
    }
  }

  #answerHealth(caller: Caller): void {
    caller({ failing: this.failing, minResponseMs: this.delayMs });
  }
}
