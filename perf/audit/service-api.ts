import { type Ask, refusal } from "./ask.ts";
import { centsOfDecimal, parseWithDecimals } from "./cents.ts";
import { type Named, readTotals, type Totals } from "./totals.ts";
import { type TimeWindow, windowQuery } from "./window.ts";

export type ServiceTotals = {
  readonly processors: Named<Totals>;
  /** Totals of windows that end before it are final. `undefined`: the service does not say. */
  readonly settledUntilMs: number | undefined;
};

/** A payment as the service tells it. */
export type LedgerEntry = {
  readonly correlationId: string;
  readonly cents: bigint;
  readonly state: string;
  /** Both are null as long as no processor has it. */
  readonly processor: string | null;
  readonly requestedAtMs: number | null;
};

/** What the audit compares with the processors: the service itself, or its payments as a table. */
export interface Books {
  /** Of the payments whose requestedAt lies within the window. */
  windowTotals(window: TimeWindow): Promise<ServiceTotals>;
  /** `undefined`: they do not know it. */
  find(correlationId: string): Promise<LedgerEntry | undefined>;
}

/** What of the service's API the audit and the contest need besides POST /payments. */
export class ServiceApi implements Books {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The status: a service need not allow it, nor know it. */
  async purge(): Promise<number> {
    return (await this.#ask({ method: "POST", path: "/purge-payments" })).status;
  }

  windowTotals(window: TimeWindow): Promise<ServiceTotals> {
    return this.totals(windowQuery(window));
  }

  async totals(query: string): Promise<ServiceTotals> {
    const answer = await this.#ask({ method: "GET", path: `/payments-summary${query === "" ? "" : `?${query}`}` });
    if (answer.status !== 200) throw refusal("the service's summary", answer);
    const parts = (parseWithDecimals(answer.body) ?? {}) as Record<string, unknown>;
    const processors = Object.entries(parts).map(([name, part]) => {
      const totals = readTotals(part);
      if (totals === undefined) throw refusal("the service's summary", answer);
      return [name, totals] as const;
    });
    if (processors.length === 0) throw refusal("the service's summary", answer);
    const watermark = answer.headers.get("settled-until");
    const settledUntilMs = watermark === undefined ? undefined : Date.parse(watermark);
    return { processors: Object.fromEntries(processors), settledUntilMs };
  }

  /** `undefined`: the service does not know it. */
  async find(correlationId: string): Promise<LedgerEntry | undefined> {
    const answer = await this.#ask({ method: "GET", path: `/payments/${correlationId}` });
    if (answer.status === 404) return undefined;
    const value = answer.status === 200 ? ((parseWithDecimals(answer.body) ?? {}) as Record<string, unknown>) : {};
    const { amount, state, processor, requestedAt } = value;
    const cents = typeof amount === "string" ? centsOfDecimal(amount) : undefined;
    if (cents === undefined || typeof state !== "string") throw refusal("the service's payment", answer);
    return {
      correlationId,
      cents,
      state,
      processor: typeof processor === "string" ? processor : null,
      requestedAtMs: typeof requestedAt === "string" ? Date.parse(requestedAt) : null,
    };
  }
}
