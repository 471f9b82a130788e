import { randomUUID } from "node:crypto";
import { Client } from "undici";
import { Connection } from "../load/connection.ts";
import { AMOUNT_TEXT, postsWith } from "../load/payment-request.ts";

/** What was accepted in one such time is sent evenly over the next. */
const FOLLOW_MS = 100;
/** Payments leave in as many groups as fit into FOLLOW_MS. */
const TICK_MS = 2;
const TICKS_PER_FOLLOW = FOLLOW_MS / TICK_MS;
const CONNECTION_COUNT_MAX = 256;
const TIMEOUT_MS = 10_000;
const ASK_TIMEOUT_MS = 1000;

/** Where a floor's process listens: `unix:<path>`, or an http URL. */
export type Source = string;

/**
 * Sends a processor as many payments as some floor accepts: the outgoing work of a service, and nothing else of it.
 * What the floor accepts it is asked ten times a second, so its handlers do nothing for it. A payment that finds no
 * free connection is not sent.
 */
export class Sender {
  readonly #nextRequest: () => string;
  readonly #processor: URL;
  readonly #sources: readonly Client[];
  readonly #acceptedCounts: number[];
  readonly #connections: Connection[] = [];
  readonly #sentAtMs: number[] = [];
  readonly #free: number[] = [];
  readonly #timers: readonly NodeJS.Timeout[];
  /** Set while payments are owed: a sender that has nothing to send costs nothing. */
  #ticking: NodeJS.Timeout | undefined;
  #owedCount = 0;
  #perTick = 0;
  /** Fractions of a payment that the ticks so far have left over. */
  #carried = 0;
  #isAsking = false;

  constructor(processor: URL, sources: readonly Source[]) {
    this.#processor = processor;
    this.#nextRequest = postsWith(processor, nextCharge);
    this.#sources = sources.map(clientOf);
    this.#acceptedCounts = sources.map(() => 0);
    this.#timers = [
      setInterval(() => void this.#follow(), FOLLOW_MS),
      setInterval(() => this.#endOverdue(), ASK_TIMEOUT_MS),
    ];
  }

  async close(): Promise<void> {
    for (const timer of [...this.#timers, this.#ticking]) clearInterval(timer);
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#sources.map((source) => source.destroy()));
  }

  async #follow(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const counts = await Promise.all(this.#sources.map(acceptedCount));
      for (const [i, count] of counts.entries()) {
        // One that has started anew counts from zero.
        this.#owedCount += Math.max(0, count - this.#acceptedCounts[i]!);
        this.#acceptedCounts[i] = count;
      }
      this.#perTick = this.#owedCount / TICKS_PER_FOLLOW;
      if (this.#owedCount > 0) this.#ticking ??= setInterval(() => this.#tick(), TICK_MS);
    } catch {
      // Not there yet, or no more: the next answer has it all.
    } finally {
      this.#isAsking = false;
    }
  }

  #tick(): void {
    this.#carried = Math.min(this.#carried + this.#perTick, this.#owedCount);
    while (this.#carried >= 1) {
      this.#carried--;
      this.#owedCount--;
      this.#send();
    }
    if (this.#owedCount > 0) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.#carried = 0;
  }

  #send(): void {
    const number = this.#free.pop() ?? this.#connect();
    if (number === undefined) return;
    this.#sentAtMs[number] = performance.now();
    this.#connections[number]!.send(this.#nextRequest(), () => {
      this.#sentAtMs[number] = Number.POSITIVE_INFINITY;
      this.#free.push(number);
    });
  }

  #connect(): number | undefined {
    if (this.#connections.length === CONNECTION_COUNT_MAX) return undefined;
    this.#sentAtMs.push(Number.POSITIVE_INFINITY);
    return this.#connections.push(new Connection(this.#processor)) - 1;
  }

  #endOverdue(): void {
    const overdueMs = performance.now() - TIMEOUT_MS;
    for (const [i, sentAtMs] of this.#sentAtMs.entries()) if (sentAtMs < overdueMs) this.#connections[i]!.timeOut();
  }
}

function nextCharge(): string {
  const requestedAt = new Date().toISOString();
  return `{"correlationId":"${randomUUID()}","amount":${AMOUNT_TEXT},"requestedAt":"${requestedAt}"}`;
}

function clientOf(source: Source): Client {
  const timeouts = { headersTimeout: ASK_TIMEOUT_MS, bodyTimeout: ASK_TIMEOUT_MS };
  if (!source.startsWith("unix:")) return new Client(source, timeouts);
  return new Client("http://floor", { ...timeouts, socketPath: source.slice("unix:".length) });
}

async function acceptedCount(source: Client): Promise<number> {
  const { body } = await source.request({ method: "GET", path: "/accepted" });
  return Number(await body.text());
}
