import { setTimeout as sleep } from "node:timers/promises";
import { PROCESSOR_NAMES } from "../../../core/values/processor.ts";
import { type ConnectedParties, connectParties, type Target } from "../../audit/parties.ts";
import {
  forEachRole,
  NO_TOTALS,
  type PerRole,
  type Role,
  type Totals,
  totalsCount,
  totalsEqual,
} from "../../audit/totals.ts";

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

/** The service's summary and both processors' own, from a moment on. */
export class Books {
  readonly #parties: ConnectedParties;
  #countedBefore: PerRole<Totals> = { default: NO_TOTALS, fallback: NO_TOTALS };
  #chargedBefore: PerRole<Totals> = { default: NO_TOTALS, fallback: NO_TOTALS };

  constructor(target: Target) {
    this.#parties = connectParties(target, CONNECTION_COUNT, CALL_TIMEOUT_MS);
  }

  /** Empties the service and the processors: rounds begin alike. Throws where the service does not allow it. */
  async purge(): Promise<void> {
    await forEachRole((role) => this.#parties.processors[role].purge());
    const status = await this.#parties.service.purge();
    if (status >= 300) throw new Error(`the service must allow to be purged: status=${status}`);
  }

  async setFailing(isFailing: boolean): Promise<void> {
    await forEachRole((role) => this.#parties.processors[role].setFailure(isFailing));
  }

  /** What is counted from now on is the next load's; nothing may be under way. */
  async open(): Promise<void> {
    this.#countedBefore = await this.#parties.service.totals("");
    this.#chargedBefore = await this.#charged();
  }

  /** Since `open`. */
  async processedCount(): Promise<number> {
    return totalsCount(await this.#parties.service.totals("")) - totalsCount(this.#countedBefore);
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
    const counted = difference(await this.#parties.service.totals(""), this.#countedBefore);
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

  #charged(): Promise<PerRole<Totals>> {
    return forEachRole((role) => this.#parties.processors[role].totals(""));
  }
}

function difference(after: PerRole<Totals>, before: PerRole<Totals>): PerRole<Totals> {
  const of = (role: Role): Totals => ({
    count: after[role].count - before[role].count,
    cents: after[role].cents - before[role].cents,
  });
  return { default: of("default"), fallback: of("fallback") };
}

type Counts = {
  readonly acceptedCount: number;
  readonly failedCount: number;
  readonly processedCount: number;
  readonly chargedCount: number;
};

function problemOf(counts: Counts, charged: PerRole<Totals>, counted: PerRole<Totals>): string | undefined {
  const { acceptedCount, failedCount, processedCount, chargedCount } = counts;
  const numbers = `accepted=${acceptedCount} failed=${failedCount} processed=${processedCount} charged=${chargedCount}`;
  if (processedCount < acceptedCount) return `every accepted payment must be processed in time: ${numbers}`;
  if (chargedCount < acceptedCount || chargedCount > acceptedCount + failedCount) {
    return `every accepted payment must be charged exactly once: ${numbers}`;
  }
  const isSame = PROCESSOR_NAMES.every((role) => totalsEqual(charged[role], counted[role]));
  // While doubtful ones are still being looked up the two may differ.
  return isSame || failedCount > 0 ? undefined : `the service must count what the processors charged: ${numbers}`;
}
