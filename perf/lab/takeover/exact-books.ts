import { setTimeout as sleep } from "node:timers/promises";
import { audit } from "../../audit/audit.ts";
import type { Parties } from "../../audit/parties.ts";
import { forEachNamed, totalsCount, totalsEqual } from "../../audit/totals.ts";
import { EPOCH_MS } from "../../audit/window.ts";
import type { LoadRecord } from "../load/load-record.ts";
import { isAccepted } from "../load/load-record.ts";

const SETTLE_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
const CENTS = 1990n;

export type BooksDifferences = {
  /** Accepted and charged nowhere. */
  readonly lostCount: number;
  readonly chargedTwiceCount: number;
  readonly wrongAmountCount: number;
  /** Where the service's own ledger and the processors' records disagree. */
  readonly findingCount: number;
  /** The first of all of them. */
  readonly examples: readonly string[];
};

const EXAMPLES_MAX = 10;

/** Waits until the service counts what the processors have charged, and that is at least `leastCount`. */
export async function settled(parties: Parties, leastCount: number, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const state = await booksState(parties);
    if (state?.areEqual && state.count >= leastCount) return;
    if (performance.now() > deadlineMs) {
      const found = `count=${state?.count} areEqual=${state?.areEqual} timeoutMs=${SETTLE_TIMEOUT_MS}`;
      throw new Error(`everything accepted must be charged in time: accepted=${leastCount} ${found}`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** `undefined`: the summary cannot be had just now. */
async function booksState({ service, processors }: Parties): Promise<{ count: number; areEqual: boolean } | undefined> {
  try {
    const counted = (await service.totals("")).processors;
    const charged = await forEachNamed(processors, (processor) => processor.totals(""));
    const areEqual = Object.entries(charged).every(([name, totals]) => totalsEqual(totals, counted[name]!));
    return { count: totalsCount(counted), areEqual };
  } catch {
    return undefined;
  }
}

/** Every payment of the load against every charge there is, and the ledger against the processors' records. */
export async function differencesIn(
  parties: Parties,
  record: LoadRecord,
  correlationIds: readonly (string | undefined)[],
): Promise<BooksDifferences> {
  const chargeCounts = new Map<string, number>();
  const examples: string[] = [];
  let wrongAmountCount = 0;
  for (const [name, processor] of Object.entries(parties.processors)) {
    const charges = await processor.list({ fromMs: EPOCH_MS, toMs: Date.now() + 60_000 });
    if (charges === undefined) throw new Error(`a processor must list its charges: name=${name}`);
    for (const { correlationId, cents } of charges) {
      chargeCounts.set(correlationId, (chargeCounts.get(correlationId) ?? 0) + 1);
      if (cents === CENTS) continue;
      wrongAmountCount++;
      examples.push(`wrong amount: correlationId=${correlationId} cents=${cents}`);
    }
  }
  const twice = [...chargeCounts].filter(([, count]) => count > 1).map(([correlationId]) => correlationId);
  const lost = correlationIds.filter(
    (id, i) => id !== undefined && isAccepted(record.statuses[i]!) && !chargeCounts.has(id),
  );
  const { findings, agrees } = await audit(parties);
  examples.push(
    ...twice.map((correlationId) => `charged twice: correlationId=${correlationId}`),
    ...lost.map((correlationId) => `lost: correlationId=${correlationId}`),
    ...findings.map(({ kind, correlationId, detail }) => `${kind}: correlationId=${correlationId} ${detail}`),
  );
  return {
    lostCount: lost.length,
    chargedTwiceCount: twice.length,
    wrongAmountCount,
    findingCount: agrees ? 0 : Math.max(1, findings.length),
    examples: examples.slice(0, EXAMPLES_MAX),
  };
}

export function differenceCount({
  lostCount,
  chargedTwiceCount,
  wrongAmountCount,
  findingCount,
}: BooksDifferences): number {
  return lostCount + chargedTwiceCount + wrongAmountCount + findingCount;
}
