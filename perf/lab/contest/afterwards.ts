import { type AuditResult, audit } from "../../audit/audit.ts";
import { connectParties, type Target } from "../../audit/parties.ts";

const TIMEOUT_MS = 10_000;
const CONNECTION_COUNT = 8;
/** The search costs some hundred calls for each; npm run audit finds them all. */
const FINDING_COUNT_MAX = 10;

/**
 * Compares everything that is settled with the processors' own records: the contest's audits look at some windows and
 * at numbers only. A text says why it could not be done.
 */
export async function auditAfterwards(target: Target, beganAtMs: number): Promise<AuditResult | string> {
  const parties = connectParties(target, CONNECTION_COUNT, TIMEOUT_MS);
  try {
    if ((await parties.service.totals("")).settledUntilMs === undefined) {
      return "the service does not say what is settled";
    }
    return await audit(parties, { fromMs: beganAtMs, findingCountMax: FINDING_COUNT_MAX });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await parties.close();
  }
}
