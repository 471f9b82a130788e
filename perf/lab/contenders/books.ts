import { setTimeout as sleep } from "node:timers/promises";
import { RefusalError } from "../../audit/ask.ts";
import { type ConnectedParties, connectParties, type Target } from "../../audit/parties.ts";
import type { ProcessorAdmin } from "../../audit/processor-admin.ts";
import { forEachNamed, type Named, NO_TOTALS, type Totals, totalsCount, totalsEqual } from "../../audit/totals.ts";

/** What became of the payments of a load. */
export type Settlement = {
  /** By the service's own count. */
  readonly processedCount: number;
  /** By the processors' count. */
  readonly chargedCount: number;
  /** From the question to the answer that everything is processed; `undefined`: not within the wait. */
  readonly tookMs: number | undefined;
  /** Why not every accepted payment was charged exactly once. */
  readonly problem: string | undefined;
};

const CALL_TIMEOUT_MS = 10_000;
const CONNECTION_COUNT = 2;
const POLL_MS = 20;
const UNAVAILABLE = 503;
/** Instances that have just begun share the partitions out among them; what they refuse meanwhile is asked again. */
const WHOLE_WAIT_MS = 30_000;

/** The service's summary and the processors' own, from a moment on. */
export class Books {
  readonly #parties: ConnectedParties;
  #countedBefore: Named<Totals> = {};
  #chargedBefore: Named<Totals> = {};

  constructor(target: Target) {
    this.#parties = connectParties(target, CONNECTION_COUNT, CALL_TIMEOUT_MS);
  }

  /** Empties the service and the processors: rounds begin alike. Throws where the service does not allow it. */
  async purge(): Promise<void> {
    await forEachNamed(this.#parties.processors, (processor) => processor.purge());
    const untilMs = performance.now() + WHOLE_WAIT_MS;
    let status = await this.#parties.service.purge();
    // Which says that a partition could not be purged just now.
    while (status === UNAVAILABLE && performance.now() < untilMs) {
      await sleep(POLL_MS);
      status = await this.#parties.service.purge();
    }
    if (status >= 300) throw new Error(`the service must allow to be purged: status=${status}`);
  }

  async setFailing(isFailing: boolean): Promise<void> {
    await forEachNamed(this.#parties.processors, (processor) => processor.setFailure(isFailing));
  }

  /** What is counted from now on is the next load's; nothing may be under way. */
  async open(): Promise<void> {
    this.#countedBefore = await this.#counted();
    this.#chargedBefore = await this.#charged();
  }

  /** Since `open`. */
  async processedCount(): Promise<number> {
    return totalsCount(await this.#counted()) - totalsCount(this.#countedBefore);
  }

  /**
   * Waits until all accepted payments are processed, for `waitMs` at most, and compares with the processors. Of a
   * payment that had no answer nobody knows whether it was accepted, so with `failedCount` of them as many more may
   * have been charged.
   */
  async settle(acceptedCount: number, failedCount: number, waitMs: number): Promise<Settlement> {
    const askedAtMs = performance.now();
    const elapsedMs = (): number => performance.now() - askedAtMs;
    let processedCount = await this.processedCount();
    while (processedCount < acceptedCount && elapsedMs() < waitMs) {
      await sleep(POLL_MS);
      processedCount = await this.processedCount();
    }
    const tookMs = processedCount < acceptedCount ? undefined : elapsedMs();
    if (failedCount > 0) await sleep(POLL_MS);
    const charged = difference(await this.#charged(), this.#chargedBefore);
    const counted = difference(await this.#counted(), this.#countedBefore);
    const chargedCount = totalsCount(charged);
    return {
      processedCount,
      chargedCount,
      tookMs,
      problem: problemOf({ acceptedCount, failedCount, processedCount, chargedCount }, charged, counted),
    };
  }

  async close(): Promise<void> {
    await this.#parties.close();
  }

  #charged(): Promise<Named<Totals>> {
    return forEachNamed<ProcessorAdmin, Totals>(this.#parties.processors, (processor) => processor.totals(""));
  }

  /** While a partition changes hands its part cannot be had. */
  async #counted(): Promise<Named<Totals>> {
    const untilMs = performance.now() + WHOLE_WAIT_MS;
    for (;;) {
      try {
        return (await this.#parties.service.totals("")).processors;
      } catch (error) {
        const isLater = error instanceof RefusalError && error.status === UNAVAILABLE && performance.now() < untilMs;
        if (!isLater) throw error;
        await sleep(POLL_MS);
      }
    }
  }
}

function difference(after: Named<Totals>, before: Named<Totals>): Named<Totals> {
  const entries = Object.entries(after).map(([name, { count, cents }]) => {
    const first = before[name] ?? NO_TOTALS;
    return [name, { count: count - first.count, cents: cents - first.cents }] as const;
  });
  return Object.fromEntries(entries);
}

type Counts = {
  readonly acceptedCount: number;
  readonly failedCount: number;
  readonly processedCount: number;
  readonly chargedCount: number;
};

function problemOf(counts: Counts, charged: Named<Totals>, counted: Named<Totals>): string | undefined {
  const { acceptedCount, failedCount, processedCount, chargedCount } = counts;
  const numbers = `accepted=${acceptedCount} failed=${failedCount} processed=${processedCount} charged=${chargedCount}`;
  if (processedCount < acceptedCount) return `every accepted payment must be processed in time: ${numbers}`;
  if (chargedCount < acceptedCount || chargedCount > acceptedCount + failedCount) {
    return `every accepted payment must be charged exactly once: ${numbers}`;
  }
  const isSame = Object.entries(charged).every(([name, totals]) => totalsEqual(totals, counted[name] ?? NO_TOTALS));
  // While doubtful ones are still being looked up the two may differ.
  return isSame || failedCount > 0 ? undefined : `the service must count what the processors charged: ${numbers}`;
}
