import * as Outcome from "../../../core/values/outcome.ts";
import type { EventQueue } from "./event-queue.ts";
import type { ProcessorWeather, Spell } from "./weather.ts";

/** One way to a processor, or back. */
export const NETWORK_MS = 0.5;

/** The kinds of events that processors add to the queue. */
export type ProcessorEvents = { readonly worked: number; readonly answered: number };

/**
 * A processor of the contest in virtual time: a limiter of requests worked on at once, a queue, 429; the delay; then
 * failing or not; then the charge, once a payment. Requests are numbers of its caller's.
 */
export class VirtualProcessor {
  /** When each payment was charged, by its number. */
  readonly chargedAtMs: Float64Array;
  /** Requests that got 429. */
  refusedCount = 0;
  readonly #number: number;
  readonly #spells: readonly Spell[];
  readonly #queue: EventQueue;
  readonly #events: ProcessorEvents;
  /** Of a request, which payment it is about. */
  readonly #paymentOf: (request: number) => number;
  readonly #waiting: number[] = [];
  #workingCount = 0;
  #spell = 0;

  constructor(
    number: number,
    { spells }: ProcessorWeather,
    queue: EventQueue,
    events: ProcessorEvents,
    paymentCount: number,
    paymentOf: (request: number) => number,
  ) {
    this.#number = number;
    this.#spells = spells;
    this.#queue = queue;
    this.#events = events;
    this.#paymentOf = paymentOf;
    this.chargedAtMs = new Float64Array(paymentCount).fill(Number.NaN);
  }

  spellAt(atMs: number): Spell {
    while (this.#spell + 1 < this.#spells.length && this.#spells[this.#spell + 1]!.atMs <= atMs) this.#spell++;
    return this.#spells[this.#spell]!;
  }

  /** A POST arrives. */
  post(request: number, atMs: number): void {
    const { capacity, queue } = this.spellAt(atMs);
    if (this.#workingCount < capacity) this.#work(request, atMs);
    else if (this.#waiting.length < queue) this.#waiting.push(request);
    else {
      this.refusedCount++;
      this.#answer(request, Outcome.OVERLOADED, atMs);
    }
  }

  /** The delay of a request is over. */
  worked(request: number, atMs: number): void {
    this.#workingCount--;
    const payment = this.#paymentOf(request);
    if (this.spellAt(atMs).failing) this.#answer(request, Outcome.FAILING, atMs);
    else if (this.isCharged(payment)) this.#answer(request, Outcome.ALREADY_CHARGED, atMs);
    else {
      this.chargedAtMs[payment] = atMs;
      this.#answer(request, Outcome.CHARGED, atMs);
    }
    while (this.#waiting.length > 0 && this.#workingCount < this.spellAt(atMs).capacity)
      this.#work(this.#waiting.shift()!, atMs);
  }

  isCharged(payment: number): boolean {
    return !Number.isNaN(this.chargedAtMs[payment]!);
  }

  #work(request: number, atMs: number): void {
    this.#workingCount++;
    this.#queue.add(atMs + this.spellAt(atMs).delayMs, this.#events.worked, request, this.#number);
  }

  #answer(request: number, outcome: number, atMs: number): void {
    this.#queue.add(atMs + NETWORK_MS, this.#events.answered, request, outcome);
  }
}
