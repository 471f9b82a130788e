import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Caller } from "./caller.ts";
import { newPayment, type Payment, pay } from "./payments.ts";
import { until } from "./until.ts";

const CLIENT_COUNT = 8;
const THINK_MS = 5;
/** Every so many payments of a client one is repeated. */
const REPEAT_EVERY = 5;

export type LoadOptions = { clientCount?: number; thinkMs?: number };

/** A few clients that pay and look, each with a pause after every answer; and what they were answered. */
export class Load {
  /** Answered with any 2xx. */
  readonly accepted: Payment[] = [];
  /** Not accepted, as they were told. */
  readonly refused: Payment[] = [];
  /** Perhaps accepted, as they were told, or without an answer. */
  readonly uncertain: Payment[] = [];
  /** All answers other than 2xx. */
  readonly failures: string[] = [];
  /** Answers that may never be given, whatever happens. */
  readonly wrong: string[] = [];
  longestMs = 0;
  #isOver = false;
  readonly #front: Caller;
  readonly #clients: Promise<void>[];

  constructor(front: Caller, { clientCount = CLIENT_COUNT, thinkMs = THINK_MS }: LoadOptions = {}) {
    this.#front = front;
    this.#clients = Array.from({ length: clientCount }, () => this.#run(thinkMs));
  }

  /** Waits for so many more to be accepted. */
  async more(count: number): Promise<void> {
    const target = this.accepted.length + count;
    await until(`${count} more payments are accepted`, () => this.accepted.length >= target);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(thinkMs: number): Promise<void> {
    for (let round = 1; !this.#isOver; round++) {
      const payment = newPayment(100 + (this.accepted.length % 900));
      if (await this.#pay(payment)) {
        await this.#look(payment);
        if (round % REPEAT_EVERY === 0) await this.#repeat(payment);
      }
      await sleep(thinkMs);
    }
  }

  async #pay(payment: Payment): Promise<boolean> {
    const answer = await this.#timed("POST", pay(this.#front, payment));
    if (answer?.status === 202) this.accepted.push(payment);
    // nginx asked a second instance after a first one that had taken it and said nothing.
    else if (answer?.status === 200) this.accepted.push(payment);
    else if (answer?.status === 503 && acceptedOf(answer) === "no") this.refused.push(payment);
    else this.uncertain.push(payment);
    return answer !== undefined && isFine(answer);
  }

  /** What was accepted is known from then on. */
  async #look({ correlationId }: Payment): Promise<void> {
    const answer = await this.#timed("GET", this.#front.get(`/payments/${correlationId}`));
    if (answer?.status === 404) this.wrong.push(`GET 404 after it was accepted: ${correlationId}`);
  }

  async #repeat(payment: Payment): Promise<void> {
    const answer = await this.#timed("POST", pay(this.#front, payment));
    if (answer?.status === 202) this.wrong.push(`202 for the second time: ${payment.correlationId}`);
  }

  async #timed(what: string, asking: Promise<Answer>): Promise<Answer | undefined> {
    const beganAtMs = performance.now();
    const answer = await asking.catch((error: Error) => error);
    this.longestMs = Math.max(this.longestMs, performance.now() - beganAtMs);
    if (answer instanceof Error) {
      this.failures.push(`${what} ${answer.message}`);
      return undefined;
    }
    if (!isFine(answer)) this.failures.push(`${what} ${answer.status} ${answer.body}`);
    if (answer.status === 503 && answer.headers["retry-after"] === undefined)
      this.wrong.push(`${what} 503 without Retry-After: ${answer.body}`);
    if (!isFine(answer) && answer.status !== 503 && answer.status !== 404)
      this.wrong.push(`${what} ${answer.status} ${answer.body}`);
    return answer;
  }
}

export function isFine({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

/** What a refusal says of the payment. */
export function acceptedOf({ body }: Answer): unknown {
  return (JSON.parse(body) as { accepted?: unknown }).accepted;
}
