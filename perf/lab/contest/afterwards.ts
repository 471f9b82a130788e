import { HttpCaller } from "../../audit/ask.ts";
import { type AuditResult, audit } from "../../audit/audit.ts";
import { ProcessorAdmin } from "../../audit/processor-admin.ts";
import { ServiceApi } from "../../audit/service-api.ts";
import type { Target } from "./measurement.ts";

const TIMEOUT_MS = 10_000;
const CONNECTION_COUNT = 8;
/** The search costs some hundred calls for each; npm run audit finds them all. */
const FINDING_COUNT_MAX = 10;

/**
 * Compares everything that is settled with the processors' own records: the contest's audits look at some windows and at
 * numbers only. A text says why it could not be done.
 */
export async function auditAfterwards(target: Target, beganAtMs: number): Promise<AuditResult | string> {
  const caller = (url: URL): HttpCaller => new HttpCaller(url, CONNECTION_COUNT, TIMEOUT_MS);
  const [ofService, ofDefault, ofFallback] = [
    caller(target.service),
    caller(target.processors.default),
    caller(target.processors.fallback),
  ];
  const service = new ServiceApi(ofService.ask);
  const processors = {
    default: new ProcessorAdmin(ofDefault.ask, target.token),
    fallback: new ProcessorAdmin(ofFallback.ask, target.token),
  };
  try {
    if ((await service.totals("")).settledUntilMs === undefined) return "the service does not say what is settled";
    return await audit({ service, processors }, { fromMs: beganAtMs, findingCountMax: FINDING_COUNT_MAX });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Promise.all([ofService.close(), ofDefault.close(), ofFallback.close()]);
  }
}
