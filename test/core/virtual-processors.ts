import {
  ALREADY_CHARGED,
  CHARGED,
  FAILING,
  FOREIGN,
  FOUND,
  NOT_FOUND,
  NOT_TOLD,
  OVERLOADED,
  RESET,
  TIMED_OUT,
  UNREACHABLE,
} from "../../core/payment.ts";
import type { Random } from "./random.ts";

/** Everything that happens later, in the order of its time; what happens at the same time, in any order. */
export class Timeline {
  readonly #random: Random;
  /** The next event is the last one. */
  readonly #events: { atMs: number; tie: number; run: () => void }[] = [];
  nowMs: number;

  constructor(nowMs: number, random: Random) {
    this.nowMs = nowMs;
    this.#random = random;
  }

  after(delayMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + delayMs, tie: this.#random.bits(), run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#events[middle]!;
      if (other.atMs > event.atMs || (other.atMs === event.atMs && other.tie > event.tie)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }

  runUntil(atMs: number): void {
    for (let next = this.#events.at(-1); next !== undefined && next.atMs <= atMs; next = this.#events.at(-1)) {
      this.#events.pop();
      this.nowMs = next.atMs;
      next.run();
    }
    this.nowMs = atMs;
  }
}

export type Charge = { requestedAtMs: number; cents: number };
export type Request = Charge & { key: string };

/** A payment processor: delay, then failure, then the duplicate check; whoever hangs up changes nothing. */
export class VirtualProcessor {
  readonly charges = new Map<string, Charge>();
  readonly #timeline: Timeline;
  readonly #inFlightCountMax: number;
  #inFlightCount = 0;
  delayMs = 0;
  isFailing = false;

  constructor(timeline: Timeline, inFlightCountMax: number) {
    this.#timeline = timeline;
    this.#inFlightCountMax = inFlightCountMax;
  }

  post({ key, requestedAtMs, cents }: Request, answer: (outcome: number) => void): void {
    if (this.#inFlightCount >= this.#inFlightCountMax) {
      answer(OVERLOADED);
      return;
    }
    this.#inFlightCount++;
    this.#timeline.after(this.delayMs, () => {
      this.#inFlightCount--;
      if (this.isFailing) answer(FAILING);
      else if (this.charges.has(key)) answer(ALREADY_CHARGED);
      else {
        this.charges.set(key, { requestedAtMs, cents });
        answer(CHARGED);
      }
    });
  }

  lookup({ key, requestedAtMs }: Request): number {
    const charge = this.charges.get(key);
    if (charge === undefined) return NOT_FOUND;
    return charge.requestedAtMs === requestedAtMs ? FOUND : FOREIGN;
  }
}

/** The way to a processor, on which requests and answers get lost, and the client that waits only so long. */
export class VirtualLink {
  readonly processor: VirtualProcessor;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #timeoutMs: number;
  isUnreachable = false;
  latencyMsMax = 5;
  lossProbability = 0;

  constructor(processor: VirtualProcessor, timeline: Timeline, random: Random, timeoutMs: number) {
    this.processor = processor;
    this.#timeline = timeline;
    this.#random = random;
    this.#timeoutMs = timeoutMs;
  }

  post(request: Request, answer: (outcome: number) => void): void {
    const answerOnce = this.#answerOnce(answer, TIMED_OUT, RESET);
    if (this.#isRefused(answerOnce, UNREACHABLE) || this.#isLost(answerOnce)) return;
    this.#later(() => {
      this.processor.post(request, (outcome) => {
        if (!this.#isLost(answerOnce)) this.#later(() => answerOnce(outcome));
      });
    });
  }

  lookup(request: Request, answer: (outcome: number) => void): void {
    const answerOnce = this.#answerOnce(answer, NOT_TOLD, NOT_TOLD);
    if (this.#isRefused(answerOnce, NOT_TOLD) || this.#isLost(answerOnce)) return;
    this.#later(() => {
      const outcome = this.processor.lookup(request);
      if (!this.#isLost(answerOnce)) this.#later(() => answerOnce(outcome));
    });
  }

  #isRefused(answerOnce: (outcome: number) => void, outcome: number): boolean {
    if (this.isUnreachable) this.#later(() => answerOnce(outcome));
    return this.isUnreachable;
  }

  #later(run: () => void): void {
    this.#timeline.after(this.#random.below(this.latencyMsMax + 1), run);
  }

  /** Passes the first outcome on: an answer, the time being up, or (as −1) the connection being broken. */
  #answerOnce(answer: (outcome: number) => void, onTimeout: number, onReset: number): (outcome: number) => void {
    let isOver = false;
    const once = (outcome: number) => {
      if (isOver) return;
      isOver = true;
      answer(outcome === BROKEN ? onReset : outcome);
    };
    this.#timeline.after(this.#timeoutMs, () => once(onTimeout));
    return once;
  }

  /** A message lost is noticed by a broken connection, or not at all. */
  #isLost(answerOnce: (outcome: number) => void): boolean {
    if (!this.#random.chance(this.lossProbability)) return false;
    if (this.#random.chance(0.5)) this.#later(() => answerOnce(BROKEN));
    return true;
  }
}

const BROKEN = -1;
