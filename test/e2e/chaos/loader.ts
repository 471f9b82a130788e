import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../support/random.ts";

/** What we know of a payment that we have sent. */
export type Sent = {
  correlationId: string;
  cents: number;
  /** A 2xx was read to its end: from then on the payment must not be lost. */
  isAccepted: boolean;
};

const WORKERS = 12;
/** Between two payments of a worker: some hundred a second in all, which leaves a small machine room for the rest. */
const PAUSE_MS_MAX = 30;
const TIMEOUT_MS = 5000;
const CENTS_MAX = 100_000_000;

/**
 * Clients that send payments, some of them twice, repeat what was not accepted now and then, and remember every answer.
 */
export class Loader {
  readonly sent: Sent[] = [];
  readonly statusCounts = new Map<number, number>();
  readonly #target: { host: string; port: number };
  readonly #random: Random;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: WORKERS });
  readonly #workers: Promise<void>[] = [];
  #isStopping = false;

  constructor(target: { host: string; port: number }, random: Random) {
    this.#target = target;
    this.#random = random;
  }

  get acceptedCount(): number {
    return this.sent.reduce((count, { isAccepted }) => count + (isAccepted ? 1 : 0), 0);
  }

  start(): void {
    for (let worker = 0; worker < WORKERS; worker++) this.#workers.push(this.#work());
  }

  /** Resolves when every answer is in. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#workers);
    this.#agent.destroy();
  }

  /** Sends the payment, again if need be, and returns the last status; 0 for no answer. */
  async send(payment: Sent): Promise<number> {
    const status = await this.#post(payment);
    this.statusCounts.set(status, (this.statusCounts.get(status) ?? 0) + 1);
    if (status >= 200 && status < 300) payment.isAccepted = true;
    return status;
  }

  newPayment(): Sent {
    const payment = { correlationId: randomUUID(), cents: this.#random.between(1, CENTS_MAX), isAccepted: false };
    this.sent.push(payment);
    return payment;
  }

  async #work(): Promise<void> {
    while (!this.#isStopping) {
      const payment = this.newPayment();
      // A client that heard nothing asks again, a few times; some ask twice although they heard.
      for (let tries = 0; tries < 4; tries++) {
        const status = await this.send(payment);
        if (status === 409) throw new Error(`one payment has one amount: correlationId=${payment.correlationId}`);
        if (payment.isAccepted && !this.#random.chance(0.05)) break;
        await sleep(this.#random.below(50));
      }
      await sleep(this.#random.below(PAUSE_MS_MAX));
    }
  }

  #post({ correlationId, cents }: Sent): Promise<number> {
    const body = JSON.stringify({ correlationId, amount: cents / 100 });
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    return new Promise((resolve) => {
      const options = { ...this.#target, method: "POST", path: "/payments", headers, agent: this.#agent };
      const outgoing = request({ ...options, timeout: TIMEOUT_MS }, (incoming) => {
        incoming.resume();
        incoming.once("end", () => resolve(incoming.statusCode ?? 0));
        incoming.once("error", () => resolve(0));
      });
      outgoing.once("timeout", () => outgoing.destroy());
      outgoing.once("error", () => resolve(0));
      outgoing.end(body);
    });
  }
}
