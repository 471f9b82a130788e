import type { Parties } from "../../audit/parties.ts";
import { NO_TOTALS, type PerRole, perRole, ROLES, type Totals } from "../../audit/totals.ts";
import type { TimeWindow } from "../../audit/window.ts";

/** One comparison during the load. */
export type Round = {
  /** From the beginning of the load. */
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly service: PerRole<Totals>;
  readonly processors: PerRole<Totals>;
  /** Payments by which the two differ, over both processors. */
  readonly differenceCount: number;
  /** Calls without a usable answer; the contest takes them for zero payments. */
  readonly problems: readonly string[];
};

/** Before now. */
const WINDOW_FROM_MS = 15_000;

/** The contest's audit. `toMs`: before now; the load leaves a payment this long to be processed and counted. */
export function compareNow(parties: Parties, nowMs: number, atMs: number, toMs: number): Promise<Round> {
  return compareWindow(parties, { fromMs: nowMs - WINDOW_FROM_MS, toMs: nowMs - toMs }, atMs);
}

/** Three calls that go out at the same moment. */
export async function compareWindow(parties: Parties, window: TimeWindow, atMs: number): Promise<Round> {
  const from = new Date(window.fromMs).toISOString();
  const to = new Date(window.toMs).toISOString();
  const query = `from=${from}&to=${to}`;
  const problems: string[] = [];
  const orElse = async <Value>(asked: Promise<Value>, otherwise: Value): Promise<Value> => {
    try {
      return await asked;
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return otherwise;
    }
  };
  const of = perRole(parties.processors);
  const [service, ofDefault, ofFallback] = await Promise.all([
    orElse<PerRole<Totals>>(serviceTotals(parties, query), { default: NO_TOTALS, fallback: NO_TOTALS }),
    orElse<Totals>(of.default.totals(query), NO_TOTALS),
    orElse<Totals>(of.fallback.totals(query), NO_TOTALS),
  ]);
  const processors = { default: ofDefault, fallback: ofFallback };
  return { atMs, from, to, service, processors, differenceCount: countDifference(service, processors), problems };
}

async function serviceTotals({ service }: Parties, query: string): Promise<PerRole<Totals>> {
  return perRole((await service.totals(query)).processors);
}

export function countDifference(service: PerRole<Totals>, processors: PerRole<Totals>): number {
  return ROLES.reduce((sum, role) => sum + Math.abs(service[role].count - processors[role].count), 0);
}
