import { ConcurrencyLimiter } from "../../perf/processor/concurrency-limiter.ts";
import { HealthWindow } from "../../perf/processor/health-window.ts";
import { expectThat } from "./violation.ts";
import type { World } from "./world.ts";

export type Charge = { payment: number; cents: number; requestedAtMs: number; isForeign: boolean };
export type HealthAnswer = { failing: boolean; minResponseMs: number };

/** What comes of a POST: a status, and whether something in between or an exception changes what is seen of it. */
export type PostEnd = 200 | 422 | 429 | 500 | Oddity;

/**
 * What processors and those before them also answer. The attempt has ended with the answer, charged or not, but where
 * something in between answers for it.
 *
 *   error      500 with a body, an exception before or after the insert
 *   conflict   409, before or after the insert
 *   page       200 with somebody's HTML, before or after
 *   retried    somebody in between sent it twice while it works, and passes on the second answer
 *   admitted   202, charged later or never
 *   gateway    502, 503 or 504, charged later, or never
 *   redirect   302, likewise
 *   refused    400, 413, 415, and 401, 403, 404, 405, 307, 308: not charged
 */
export const ODDITIES = ["error", "conflict", "page", "retried", "admitted", "gateway", "redirect", "refused"] as const;
export type Oddity = (typeof ODDITIES)[number];

const HEALTH_INTERVAL_MS = 5000;
const HEALTH_HELD_MAX = 2;
const LANDS_WITHIN_MS = 3000;
const LATER_ODDITIES: readonly PostEnd[] = ["admitted", "gateway", "redirect"];

type HealthCaller = (answer: HealthAnswer | undefined) => void;

/** A payment processor with the contract's semantics, step by step: limiter, delay, failure, duplicate, charge. */
export class VirtualProcessor {
  delayMs = 0;
  failing = false;
  /** Chance of an oddity in place of the answer. */
  oddChance = 0;
  /** Chance that a lookup is told less than is known, or nothing. */
  vagueChance = 0;
  readonly charges = new Map<number, Charge>();
  readonly #world: World;
  readonly #limiter: ConcurrencyLimiter;
  readonly #onCharge: (charge: Charge) => void;
  readonly #health = new HealthWindow<HealthCaller>({ windowMs: HEALTH_INTERVAL_MS, heldCountMax: HEALTH_HELD_MAX });
  #polledAtMs = Number.NEGATIVE_INFINITY;
  #landingCount = 0;

  constructor(world: World, onCharge: (charge: Charge) => void) {
    const { processorPlaces, processorQueue } = world.settings;
    this.#world = world;
    this.#limiter = new ConcurrencyLimiter({ inFlightCountMax: processorPlaces, queuedCountMax: processorQueue });
    this.#onCharge = onCharge;
  }

  /** Attempts that have been answered and may still be charged. */
  get landingCount(): number {
    return this.#landingCount;
  }

  /** POST /payments. Goes on whether or not the caller still listens. */
  post(charge: Charge, answer: (end: PostEnd) => void): void {
    this.#enter(
      () => answer(429),
      () => {
        if (this.delayMs === 0) this.#settle(charge, answer);
        else this.#world.clock.after(this.delayMs, () => this.#settle(charge, answer));
      },
    );
  }

  /** GET /payments/{id}: the charge, or none. */
  lookup(payment: number, answer: (found: Charge | "none" | "full") => void): void {
    this.#enter(
      () => answer("full"),
      () => {
        answer(this.charges.get(payment) ?? "none");
        this.#limiter.leave();
      },
    );
  }

  /** GET /payments/service-health */
  pollHealth(answer: HealthCaller): void {
    const { nowMs } = this.#world.clock;
    const gapMs = nowMs - this.#polledAtMs;
    expectThat(gapMs >= HEALTH_INTERVAL_MS, "health is polled within its limit", () => `gapMs=${gapMs}`);
    this.#polledAtMs = nowMs;
    this.#answerHeld();
    const verdict = this.#health.arrive(answer, nowMs);
    if (verdict === "granted") this.#answerHealth(answer);
    else if (verdict === "refused") answer(undefined);
    else this.#world.clock.after(this.#health.nextDueMs() - nowMs, () => this.#answerHeld());
  }

  #enter(onRefused: () => void, start: () => void): void {
    const verdict = this.#limiter.enter({ start });
    if (verdict === "refused") onRefused();
    else if (verdict === "started") start();
  }

  #settle(charge: Charge, answer: (end: PostEnd) => void): void {
    if (this.#world.happens(this.oddChance)) this.#settleOddly(charge, answer);
    else if (this.failing) answer(500);
    else answer(this.#insert(charge));
    this.#limiter.leave();
  }

  #settleOddly(charge: Charge, answer: (end: PostEnd) => void): void {
    const { random } = this.#world;
    const oddity = random.pick(ODDITIES);
    if (oddity === "retried") {
      if (!this.failing) this.#insert(charge);
      answer(this.failing ? 500 : this.#insert(charge));
      return;
    }
    if (LATER_ODDITIES.includes(oddity)) this.#landLater(charge);
    else if (oddity !== "refused" && random.chance(0.5)) this.#insert(charge);
    answer(oddity);
  }

  #landLater(charge: Charge): void {
    if (this.#world.random.chance(0.3)) return;
    this.#landingCount++;
    this.#world.clock.after(this.#world.random.below(LANDS_WITHIN_MS), () => {
      this.#landingCount--;
      this.#insert(charge);
    });
  }

  #insert(charge: Charge): 200 | 422 {
    if (this.charges.has(charge.payment)) return 422;
    this.charges.set(charge.payment, charge);
    this.#onCharge(charge);
    return 200;
  }

  #answerHeld(): void {
    for (;;) {
      const caller = this.#health.takeDue(this.#world.clock.nowMs);
      if (caller === undefined) return;
      this.#answerHealth(caller);
    }
  }

  #answerHealth(caller: HealthCaller): void {
    caller({ failing: this.failing, minResponseMs: this.delayMs });
  }
}
