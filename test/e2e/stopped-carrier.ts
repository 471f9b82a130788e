import { expect } from "chai";
import type { PaymentView } from "../../server/page/payment-view.ts";
import type { LastingService } from "./lasting-service.ts";
import { amountOf, bodyOf, type Payment } from "./payments.ts";
import { type RawAnswer, RawConnection } from "./raw-connection.ts";
import { countOf, summaryOf } from "./summaries.ts";
import { until } from "./until.ts";

/** What lies in the sockets of a process that is stopped. */
export type Unread = {
  /** Accepted by it before it was stopped, and processed by another since. */
  accepted: readonly Payment[];
  /** Accepted by another while it was stopped. */
  elsewhere: Payment;
  /** Sent to nobody else. */
  fresh: Payment;
};

type Lying = { what: string; connection: RawConnection; mayBe: (answer: RawAnswer) => boolean };

const isRefused = ({ status }: RawAnswer): boolean => status === 503;

function post(body: string): string {
  return `POST /payments HTTP/1.1\r\nhost: a\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;
}

/** Requests to a process that is stopped, each on a connection of its own, and what may be answered to them. */
export class UnreadRequests {
  readonly #service: LastingService;
  readonly #instance: number;
  readonly #lying: Lying[] = [];
  #leastCount = 0;

  constructor(service: LastingService, instance: number) {
    this.#service = service;
    this.#instance = instance;
  }

  async send({ accepted, elsewhere, fresh }: Unread): Promise<void> {
    const isProcessed = ({ status, body }: RawAnswer): boolean =>
      status === 200 && (JSON.parse(body) as PaymentView).state === "processed";
    for (const { correlationId } of accepted) await this.#lay(get(`/payments/${correlationId}`), isProcessed);
    for (const payment of accepted) await this.#lay(post(bodyOf(payment)), isProcessed);
    await this.#lay(post(bodyOf(elsewhere)), isProcessed);
    const other = `{"correlationId":"${elsewhere.correlationId}","amount":${amountOf({ ...elsewhere, cents: 5 })}}`;
    await this.#lay(post(other), ({ status }) => status === 409);
    await this.#lay(post(bodyOf(fresh)), ({ status }) => status === 202);
    await this.#lay(get("/payments-summary"), ({ body }) => countIn(body) >= this.#leastCount);
  }

  /** To be called before it goes on: whatever is counted by then must be in every summary from now on. */
  async countNow(): Promise<void> {
    await until("there is a summary", async () => (await this.#service.front.get("/payments-summary")).status === 200);
    this.#leastCount = countOf(await summaryOf(this.#service.front));
  }

  /** What was answered by one that went on, by status; every answer is right, or a refusal. */
  async answered(): Promise<Record<number, number>> {
    const wrong: string[] = [];
    const counts: Record<number, number> = {};
    for (const { what, connection, mayBe } of this.#lying) {
      const [answer] = await connection.answers(1);
      connection.close();
      counts[answer!.status] = (counts[answer!.status] ?? 0) + 1;
      if (!isRefused(answer!) && !mayBe(answer!)) wrong.push(`${what} → ${answer!.status} ${answer!.body}`);
    }
    expect(wrong).to.deep.equal([]);
    return counts;
  }

  async #lay(request: string, mayBe: Lying["mayBe"]): Promise<void> {
    const connection = new RawConnection(this.#service.targetOf(this.#instance));
    await connection.send(request);
    this.#lying.push({ what: request.slice(0, request.indexOf("\r\n")), connection, mayBe });
  }
}

function countIn(body: string): number {
  const parts = JSON.parse(body) as Record<string, { totalRequests: number }>;
  return Object.values(parts).reduce((sum, { totalRequests }) => sum + totalRequests, 0);
}
