import { expect } from "chai";
import type { LastingService } from "./lasting-service.ts";
import type { Load } from "./load.ts";
import { chargesOf, type Payment } from "./payments.ts";
import { ROLES } from "./service.ts";
import { until } from "./until.ts";

/** A take-over, and the lookups of what was out at a processor. */
const SETTLED_MS_MAX = 30_000;

/**
 * Once everything has settled: what was accepted is charged once, at its amount, what was certainly not accepted never,
 * nobody else's, and the summary says what the processors say. `besides`: what was sent besides the loads.
 */
export async function auditWhole(
  service: LastingService,
  loads: readonly Load[],
  besides: { accepted?: readonly Payment[]; uncertain?: readonly Payment[] } = {},
): Promise<void> {
  const accepted = [...(besides.accepted ?? []), ...loads.flatMap((load) => load.accepted)];
  await untilSettled(service, accepted.length);
  const charges = ROLES.map((role) => chargesOf(service.processors[role]));
  const chargedOf = ({ correlationId }: Payment): number[] =>
    charges.flatMap((ofOne) => ofOne.get(correlationId)?.cents ?? []);
  const uncertain = [...(besides.uncertain ?? []), ...loads.flatMap((load) => load.uncertain)];
  const refused = loads.flatMap((load) => load.refused);
  const known = new Set([...accepted, ...uncertain].map(({ correlationId }) => correlationId));
  const everywhere = charges.flatMap((ofOne) => [...ofOne.keys()]);
  expect({
    lost: accepted.filter((payment) => chargedOf(payment).length === 0),
    twice: [...charges[0]!.keys()].filter((id) => charges[1]!.has(id)),
    otherAmount: [...accepted, ...uncertain].filter((payment) => chargedOf(payment).some((c) => c !== payment.cents)),
    refusedAndCharged: refused.filter((payment) => chargedOf(payment).length > 0),
    unknown: everywhere.filter((id) => !known.has(id)).length,
    wrong: loads.flatMap((load) => load.wrong),
  }).to.deep.equal({ lost: [], twice: [], otherAmount: [], refusedAndCharged: [], unknown: 0, wrong: [] });
  const { told, charged } = await service.settled(accepted.length);
  expect(told).to.deep.equal(charged);
}

/** Nothing is on its way any more, wherever it is carried. */
async function untilSettled(service: LastingService, acceptedCount: number): Promise<void> {
  let found: unknown;
  await until(
    "every payment is settled",
    async () => {
      const reports = await Promise.all(service.running.map((instance) => service.readyOf(instance)));
      found = reports.map(({ payments }) => payments);
      const open = reports.map(({ payments: { pending, sending, inDoubt } }) => pending + sending + inDoubt);
      const keptCount = reports.reduce((sum, { payments }) => sum + payments.kept, 0);
      return open.every((count) => count === 0) && keptCount >= acceptedCount;
    },
    SETTLED_MS_MAX,
  ).catch((error: Error) => {
    throw new Error(`${error.message} accepted=${acceptedCount} payments=${JSON.stringify(found)}`);
  });
}
