import { HttpCaller } from "../../audit/ask.ts";
import { parseWithDecimals } from "../../audit/cents.ts";
import { readTotals, type Totals } from "../../audit/totals.ts";

/** What came of one question for the summary. */
export type SummaryAnswer = {
  /** On the load's clock. */
  readonly askedMs: number;
  readonly durationMs: number;
  /** 0: no answer. */
  readonly status: number;
  /** Less than an answer that was there before it was asked for: a part of the whole. */
  readonly isPartial: boolean;
};

const INTERVAL_MS = 50;
const TIMEOUT_MS = 5000;
/** As many as can be out at once: a question that finds none free waits for one. */
const CONNECTION_COUNT = 100;

/**
 * Asks for the summary 20 times a second, whether the last one is answered or not. Nothing is ever taken out of a
 * summary, so one that has less of anything than an earlier one lacks a part.
 */
export class SummaryWatch {
  readonly answers: SummaryAnswer[] = [];
  readonly #caller: HttpCaller;
  readonly #nowMs: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #asking = new Set<Promise<void>>();
  /** The most that any answer so far has shown, by processor. */
  #proven: ReadonlyMap<string, Totals> = new Map();

  constructor(service: URL, nowMs: () => number) {
    this.#caller = new HttpCaller(service, CONNECTION_COUNT, TIMEOUT_MS);
    this.#nowMs = nowMs;
    this.#timer = setInterval(() => this.#begin(), INTERVAL_MS);
  }

  /** Resolves when every question has its answer. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#asking);
    await this.#caller.close();
  }

  #begin(): void {
    const asking = this.#ask().finally(() => this.#asking.delete(asking));
    this.#asking.add(asking);
  }

  async #ask(): Promise<void> {
    const askedMs = this.#nowMs();
    const proven = this.#proven;
    let status = 0;
    let isPartial = false;
    try {
      const answer = await this.#caller.ask({ method: "GET", path: "/payments-summary" });
      status = answer.status;
      if (status === 200) isPartial = !this.#take(answer.body, proven);
    } catch {
      // No answer at all, which is what status 0 says.
    }
    this.answers.push({ askedMs, durationMs: this.#nowMs() - askedMs, status, isPartial });
  }

  /** Whether it has at least what was proven when it was asked for. */
  #take(body: string, proven: ReadonlyMap<string, Totals>): boolean {
    const parts = Object.entries((parseWithDecimals(body) ?? {}) as Record<string, unknown>);
    const totals = new Map(parts.map(([name, part]) => [name, readTotals(part)]));
    const isWhole = [...proven].every(([name, least]) => {
      const found = totals.get(name);
      return found !== undefined && found.count >= least.count && found.cents >= least.cents;
    });
    const most = new Map(this.#proven);
    for (const [name, found] of totals) {
      if (found !== undefined && found.count > (most.get(name)?.count ?? -1)) most.set(name, found);
    }
    this.#proven = most;
    return isWhole;
  }
}
