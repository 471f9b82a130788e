import { migrate } from "../postgres/migration.ts";
import { checkServer } from "../postgres/server-check.ts";
import type { StoreTarget } from "../postgres/store-url.ts";
import { TIMEOUT_MS, withStore } from "./store-connection.ts";

export type InitResult =
  /** `from`: the version before, 0: there was no store. */
  | { kind: "there"; from: number; to: number; partitionCount: number; warnings: readonly string[] }
  | { kind: "refused"; reasons: readonly string[] };

/** Makes the store or brings it up to date. Rejects where the server does not answer, or says no. */
export function init(target: StoreTarget, partitionCount: number | undefined): Promise<InitResult> {
  return withStore(target, async ({ session, run }): Promise<InitResult> => {
    const { refusals, warnings } = await checkServer(run);
    if (refusals.length > 0) return { kind: "refused", reasons: refusals };
    const migration = await migrate(session, partitionCount, TIMEOUT_MS);
    if ("refusal" in migration) return { kind: "refused", reasons: [migration.refusal] };
    return { kind: "there", ...migration, warnings };
  });
}
