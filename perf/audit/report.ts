import { formatCents } from "../../core/values/money.ts";
import type { AuditResult } from "./audit.ts";
import type { Finding } from "./finding.ts";
import { table } from "./table.ts";

/** What the audit has found, for a terminal. */
export function auditReport(result: AuditResult): string {
  const { window, findings, agrees, isComplete } = result;
  const head = `window  ${momentText(window.fromMs)} to ${momentText(window.toMs)}, both inclusive\n`;
  const found = findings.length === 0 ? [] : ["", findingsTable(findings)];
  const more = isComplete ? [] : ["and more: see --max-findings"];
  const verdict = agrees ? "agrees" : "DIFFERS";
  return [head, totalsTable(result), ...found, ...more, "", verdict, ""].join("\n");
}

/** The same for programs. Amounts are cents: as numbers they are exact up to 2^53. */
export function auditJson({ window, service, processors, findings, agrees, isComplete }: AuditResult): string {
  const [from, to] = [window.fromMs, window.toMs].map((ms) => new Date(ms).toISOString());
  const totals = Object.entries(processors).map(([name, charged]) => [name, { counted: service[name], charged }]);
  const found = findings.map(({ requestedAtMs, ...finding }) => {
    return { ...finding, requestedAt: new Date(requestedAtMs).toISOString() };
  });
  const result = { agrees, isComplete, window: { from, to }, processors: Object.fromEntries(totals), findings: found };
  return `${JSON.stringify(result, (_, value) => (typeof value === "bigint" ? Number(value) : value), 2)}\n`;
}

function totalsTable({ service, processors }: AuditResult): string {
  const rows = Object.entries(processors).map(([name, theirs]) => {
    const ours = service[name]!;
    const amounts = [ours.cents, theirs.cents, theirs.cents - ours.cents].map(centsText);
    return [name, `${ours.count}`, `${theirs.count}`, `${theirs.count - ours.count}`, ...amounts];
  });
  const head = ["processor", "counted", "charged", "difference", "amount counted", "amount charged", "difference"];
  return table(head, rows, "lrrrrrr");
}

function findingsTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ kind, processor, correlationId, requestedAtMs, cents, detail }) => [
    kind,
    processor,
    correlationId ?? "",
    momentText(requestedAtMs),
    centsText(cents),
    detail,
  ]);
  return table(["finding", "processor", "correlationId", "requestedAt", "amount", ""], rows, "llllrl");
}

function centsText(cents: bigint): string {
  return cents < 0n ? `-${formatCents(-cents)}` : formatCents(cents);
}

function momentText(ms: number): string {
  return ms === 0 ? "the beginning" : new Date(ms).toISOString();
}
