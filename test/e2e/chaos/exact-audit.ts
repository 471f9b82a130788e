import { expect } from "chai";
import { type Charge, everything } from "../../../perf/processor/charges.ts";
import { type ChaosService, INSTANCES } from "./chaos-service.ts";

const WINDOWS = 40;
const NAMES = ["default", "fallback"] as const;

type Totals = { count: number; cents: bigint };

/**
 * To be called once everything has settled: nothing accepted is lost, nothing is charged twice, every sum agrees to the
 * cent.
 */
export async function auditExactly(service: ChaosService): Promise<string> {
  const charges = service.processors.map(({ charges: list }) => list.list(everything, 0, list.count));
  const byId = charges.map((list) => new Map(list.map((charge) => [charge.correlationId, charge])));
  auditPayments(service, byId as [Map<string, Charge>, Map<string, Charge>]);
  await auditSummaries(service, charges.flat());
  const { acceptedCount, sent, statusCounts } = service.loader;
  const statuses = [...statusCounts].sort().map(([status, count]) => `${status}×${count}`);
  const charged = `${byId[0]!.size}+${byId[1]!.size}`;
  return `sent=${sent.length} accepted=${acceptedCount} charged=${charged} answers: ${statuses.join(" ")}`;
}

function auditPayments(
  { loader }: ChaosService,
  [atDefault, atFallback]: [Map<string, Charge>, Map<string, Charge>],
): void {
  const twice: string[] = [];
  const lost: string[] = [];
  const wrong: string[] = [];
  for (const { correlationId, cents, isAccepted } of loader.sent) {
    const found = [atDefault.get(correlationId), atFallback.get(correlationId)].filter(
      (charge) => charge !== undefined,
    );
    if (found.length > 1) twice.push(correlationId);
    if (found.length === 0 && isAccepted) lost.push(correlationId);
    if (found.some(({ amountCents }) => amountCents !== cents)) wrong.push(correlationId);
  }
  const ours = new Set(loader.sent.map(({ correlationId }) => correlationId));
  const strangers = [...atDefault.keys(), ...atFallback.keys()].filter((id) => !ours.has(id));
  expect({ twice, lost, wrong, strangers }).to.deep.equal({ twice: [], lost: [], wrong: [], strangers: [] });
}

/** Everything, and random windows with ends on the very moments of payments. */
async function auditSummaries(service: ChaosService, charges: readonly Charge[]): Promise<void> {
  const { random } = service;
  const moment = (): number => Math.round(random.pick(charges).requestedAtUs / 1000);
  for (let i = 0; i < WINDOWS && charges.length > 0; i++) {
    const [fromMs, toMs] = [moment(), moment()].sort((a, b) => a - b) as [number, number];
    const query = i === 0 ? "" : `?from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
    const atProcessors = await Promise.all(service.processors.map(({ url }) => adminTotals(url, query)));
    for (const instance of INSTANCES) {
      const { status, body } = await service.ask(instance, `/payments-summary${query}`);
      expect(status, body).to.equal(200);
      const summary = JSON.parse(body, (_, value) => value) as Record<string, TotalsJson>;
      const counted = NAMES.map((name) => totalsOf(summary[name]!));
      expect(counted, `instance=${instance} ${query}`).to.deep.equal(atProcessors);
    }
  }
}

type TotalsJson = { totalRequests: number; totalAmount: number };

async function adminTotals(url: string, query: string): Promise<Totals> {
  const response = await fetch(`${url}/admin/payments-summary${query}`, { headers: { "x-rinha-token": "123" } });
  return totalsOf((await response.json()) as TotalsJson);
}

/** The sums of a run are far below 2^53 hundredths, so the detour through a double is exact. */
function totalsOf({ totalRequests, totalAmount }: TotalsJson): Totals {
  return { count: totalRequests, cents: BigInt(Math.round(totalAmount * 100)) };
}
