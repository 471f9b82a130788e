import { parseTimestamp } from "../../server/timestamp.ts";
import { type Ask, type HttpAnswer, type HttpCall, refusal } from "./ask.ts";
import { centsOfDecimal, parseWithDecimals } from "./cents.ts";
import { readTotals, type Totals } from "./totals.ts";
import { type TimeWindow, windowQuery } from "./window.ts";

/** What a processor has charged, as it tells it. */
export type Charge = {
  readonly correlationId: string;
  readonly cents: bigint;
  /** Rounded down. */
  readonly requestedAtMs: number;
};

export type ProcessorTotals = Totals & {
  /** Share of every amount. */
  readonly feePerTransaction: number;
};

const PAGE_SIZE = 10_000;

/** One processor's admin calls, and the one question anybody may ask it: what became of a payment. */
export class ProcessorAdmin {
  readonly #ask: Ask;
  readonly #token: string;

  constructor(ask: Ask, token: string) {
    this.#ask = ask;
    this.#token = token;
  }

  async purge(): Promise<void> {
    await this.#must("purge", { method: "POST", path: "/admin/purge-payments" });
  }

  async setDelay(delayMs: number): Promise<void> {
    await this.#configure("delay", delayMs);
  }

  async setFailure(isFailing: boolean): Promise<void> {
    await this.#configure("failure", isFailing);
  }

  /** Of the payments whose requestedAt lies within the query's from and to. */
  async totals(query: string): Promise<ProcessorTotals> {
    const path = `/admin/payments-summary?${query}`;
    const answer = await this.#must("a processor's summary", { method: "GET", path });
    const value = parseWithDecimals(answer.body);
    const totals = readTotals(value);
    const { feePerTransaction } = (value ?? {}) as Record<string, unknown>;
    if (totals === undefined || typeof feePerTransaction !== "number") throw refusal("a processor's summary", answer);
    return { ...totals, feePerTransaction };
  }

  /**
   * Every charge in the window, or `undefined` from a processor that cannot list them: the real one has no such call.
   */
  async list(window: TimeWindow): Promise<Charge[] | undefined> {
    const charges: Charge[] = [];
    for (;;) {
      const path = `/admin/payments?${windowQuery(window)}&limit=${PAGE_SIZE}&offset=${charges.length}`;
      const answer = await this.#admin({ method: "GET", path });
      if (answer.status === 404 || answer.status === 405) return undefined;
      if (answer.status !== 200) throw refusal("a processor's list", answer);
      const page = (parseWithDecimals(answer.body) as unknown[]).map(readCharge);
      charges.push(...page);
      if (page.length < PAGE_SIZE) return charges;
    }
  }

  /** `undefined`: not charged here. */
  async find(correlationId: string): Promise<Charge | undefined> {
    const answer = await this.#ask({ method: "GET", path: `/payments/${correlationId}` });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refusal("a processor's payment", answer);
    return readCharge(parseWithDecimals(answer.body));
  }

  async #configure(name: string, value: number | boolean): Promise<void> {
    const path = `/admin/configurations/${name}`;
    await this.#must(name, { method: "PUT", path, body: JSON.stringify({ [name]: value }) });
  }

  async #must(what: string, call: HttpCall): Promise<HttpAnswer> {
    const answer = await this.#admin(call);
    if (answer.status !== 200) throw refusal(what, answer);
    return answer;
  }

  #admin(call: HttpCall): Promise<HttpAnswer> {
    return this.#ask({ ...call, headers: { "x-rinha-token": this.#token } });
  }
}

function readCharge(value: unknown): Charge {
  const { correlationId, amount, requestedAt } = (value ?? {}) as Record<string, unknown>;
  const cents = typeof amount === "string" ? centsOfDecimal(amount) : undefined;
  // Without a zone, as the real one tells it: that is UTC, where Date.parse would take the local time.
  const requestedAtMs = typeof requestedAt === "string" ? parseTimestamp(requestedAt)?.ms : undefined;
  if (typeof correlationId !== "string" || cents === undefined || requestedAtMs === undefined) {
    throw new Error(`a processor's payment must be readable: payment=${JSON.stringify(value)}`);
  }
  return { correlationId: correlationId.toLowerCase(), cents, requestedAtMs };
}
