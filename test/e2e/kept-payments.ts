import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import type { Telling } from "../kept-data/story.ts";
import type { Caller } from "./caller.ts";
import { viewOf } from "./payments.ts";

export const KEPT = join(REPOSITORY_ROOT, "test", "kept-data");

type Place = "journals" | "store";

/** Releases whose data of this kind are kept. */
export function keptVersions(place: Place): string[] {
  return readdirSync(KEPT).filter((name) => existsSync(join(KEPT, name, place)));
}

export function tellingOf(version: string, place: Place): Telling {
  return JSON.parse(readFileSync(join(KEPT, version, place, "payments.json"), "utf8")) as Telling;
}

/** What no release may change of a payment that it finds. */
function lasting({
  id,
  correlationId,
  amount,
  state,
  processor,
  acceptedAt,
  requestedAt,
}: Omit<PaymentView, "attempts">) {
  const payment = { id, correlationId, amount, acceptedAt };
  // Accepted years ago: it is given up, unless it is given up only later.
  if (state === "pending" || state === "sending") return { ...payment, state: "pending or given up" };
  return { ...payment, state, processor, requestedAt };
}

function asFound(view: PaymentView, wasPending: boolean): object {
  if (wasPending && view.state === "failed") return lasting({ ...view, state: "pending" });
  return lasting(view);
}

/** Every payment that was kept is told as the release that made it did, and so are the sums. */
export async function expectAll(caller: Caller, telling: Telling): Promise<void> {
  for (const payment of telling.payments) {
    const found = asFound(await viewOf(caller, payment), payment.state === "pending");
    expect(found).to.deep.equal(lasting(payment));
  }
  const summary = await caller.get("/payments-summary");
  expect(JSON.parse(summary.body)).to.deep.equal(telling.summary);
}
