import type { Caller } from "./caller.ts";
import { ROLES, type Role, type Service } from "./service.ts";
import { until } from "./until.ts";

export type Totals = { count: number; cents: number };
export type Summary = Record<Role, Totals> & { settledUntil: string };
export type Span = { from?: string; to?: string };

/** The service's own summary, asked at `caller`. */
export async function summaryOf(caller: Caller, span: Span = {}): Promise<Summary> {
  const { status, headers, body } = await caller.get(`/payments-summary?${new URLSearchParams(span)}`);
  if (status !== 200) throw new Error(`the summary must be answered: status=${status} body=${body}`);
  const parsed = JSON.parse(body) as Record<Role, TotalsJson>;
  return {
    default: totalsOf(parsed.default),
    fallback: totalsOf(parsed.fallback),
    settledUntil: String(headers["settled-until"]),
  };
}

/**
 * The same from the processors, over HTTP as the contest's audit asks them. Both ends, or the processors take
 * everything.
 */
export async function auditOf({ processors }: Service, { from, to }: Required<Span>): Promise<Record<Role, Totals>> {
  const [first, second] = await Promise.all(
    ROLES.map(async (role) => {
      const url = `${processors[role].url}/admin/payments-summary?${new URLSearchParams({ from, to })}`;
      const response = await fetch(url, { headers: { "x-rinha-token": "123" } });
      return totalsOf((await response.json()) as TotalsJson);
    }),
  );
  return { default: first!, fallback: second! };
}

export function countOf(summary: Record<Role, Totals>): number {
  return summary.default.count + summary.fallback.count;
}

/** Waits until that many payments are counted as processed. */
export async function untilProcessed(service: Service, count: number): Promise<void> {
  let last = -1;
  await until(`${count} payments are processed`, async () => {
    last = countOf(await summaryOf(service.front));
    return last >= count;
  }).catch((error: Error) => {
    throw new Error(`${error.message} processed=${last}`);
  });
}

type TotalsJson = { totalRequests: number; totalAmount: number };

/** Sums of the tests stay below 2^53 / 100, where cents survive the way through a double. */
function totalsOf({ totalRequests, totalAmount }: TotalsJson): Totals {
  return { count: totalRequests, cents: Math.round(totalAmount * 100) };
}
