import { formatCents } from "../../../core/values/money.ts";
import type { AuditResult } from "../../audit/audit.ts";
import { auditReport } from "../../audit/report.ts";
import { table } from "../../audit/table.ts";
import { ROLES, totalsCount } from "../../audit/totals.ts";
import { limitRemark } from "../contenders/contender.ts";
import type { ProcessReport } from "../contenders/deployment.ts";
import { limitText, MEBIBYTE } from "../limits/limit.ts";
import type { Percentiles } from "../load/samples.ts";
import type { Environment } from "./environment.ts";
import type { Measurement } from "./measurement.ts";
import type { Score } from "./score.ts";

/** The result, for a terminal. */
export function contestReport(measured: Measurement, environment: Environment): string {
  const { options, isGeneratorLate } = measured;
  const { userCount, durationMs } = options.load;
  const parts = [
    `contest, ${options.script}: ${userCount} users over ${durationMs / 1000} s, ${environment.description}`,
    latencyTable(measured),
    countsTable(measured),
    processTable(environment),
    outcomeText(measured),
    scoreTable(measured.score, measured.all.p99Ms),
  ];
  if (isGeneratorLate) {
    parts.push("MARKED: the generator itself was late; the latencies are not only the service's");
  }
  return `\n${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function latencyTable({ all, payments, lateness }: Measurement): string {
  const row = (name: string, of: Percentiles): string[] => [
    name,
    ...[of.p50Ms, of.p90Ms, of.p99Ms, of.p999Ms, of.maxMs].map((ms) => ms.toFixed(2)),
    `${of.count}`,
  ];
  const rows = [row("all requests", all), row("payments", payments), row("generator's lateness", lateness)];
  return table(["ms", "p50", "p90", "p99", "p99.9", "max", "count"], rows, "lrrrrrr");
}

function countsTable({ final, fees }: Measurement): string {
  const rows = ROLES.map((role) => [
    role,
    `${final.service[role].count}`,
    `${final.processors[role].count}`,
    formatCents(final.service[role].cents),
    `${(fees[role] * 100).toFixed(1)} %`,
  ]);
  return table(["processor", "counted by the service", "charged", "amount counted", "fee"], rows, "lrrrr");
}

function processTable(environment: Environment): string {
  const { processes, generatorCpuSeconds, machineCpu } = environment;
  const rows = processes.map(processRow);
  rows.push(["generator", generatorCpuSeconds.toFixed(2)]);
  if (machineCpu !== undefined) {
    const known = processes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, generatorCpuSeconds);
    rows.push(["others on this machine", Math.max(0, machineCpu.busySeconds - known).toFixed(2)]);
    rows.push(["stolen by the hypervisor", machineCpu.stolenSeconds.toFixed(2)]);
  }
  const head = ["process", "CPU s", "RSS peak MB", "limit", "charged peak MB", "throttled", "throttled ms"];
  return `${table(head, rows, "lrrlrrr")}\n${limitRemark(environment)}`;
}

function processRow({ name, cpuSeconds, rssPeakBytes, limit, limitUsage, wasRestarted }: ProcessReport): string[] {
  const chargedBytes = limitUsage?.memoryPeakBytes;
  return [
    wasRestarted ? `${name} (restarted)` : name,
    cpuSeconds.toFixed(2),
    (rssPeakBytes / MEBIBYTE).toFixed(0),
    limit === undefined ? "none" : limitText(limit),
    chargedBytes === undefined ? "" : (chargedBytes / MEBIBYTE).toFixed(0),
    limitUsage === undefined ? "" : `${limitUsage.throttledCount}`,
    limitUsage === undefined ? "" : limitUsage.throttledMs.toFixed(0),
  ];
}

function outcomeText({ acceptedCount, failures, score, drainedMs, audits, afterwards, ...rest }: Measurement): string {
  const failed = Object.entries(failures).map(([reason, count]) => `${reason} ${count}`);
  const different = audits.filter((round) => round.differenceCount > 0);
  const drained = rest.options.drainMs > 0 ? ` after ${(drainedMs / 1000).toFixed(1)} s of draining` : "";
  return [
    `accepted   ${acceptedCount}`,
    `failed     ${failed.length === 0 ? "0" : failed.join(", ")}`,
    `processed  ${score.processedCount}, lag ${score.lagCount}${drained}`,
    `audits     ${audits.length}, different ${different.length}${differencesText(rest.auditDifferenceCount)}`,
    ...different.map((round) => `           at ${(round.atMs / 1000).toFixed(1)} s: ${round.differenceCount} payments`),
    `afterwards ${afterwardsText(afterwards)}`,
    ...rest.problems.map((problem) => `note       ${problem}`),
  ].join("\n");
}

function differencesText(count: number): string {
  return count === 0 ? "" : `, by ${count} payments in all`;
}

function afterwardsText(afterwards: AuditResult | string): string {
  if (typeof afterwards === "string") return afterwards;
  const { service, agrees, window } = afterwards;
  const count = totalsCount(service);
  if (agrees) return `all ${count} payments settled until ${new Date(window.toMs).toISOString()} agree`;
  return `the settled payments differ:\n\n${auditReport(afterwards)}`;
}

function scoreTable(score: Score, p99Ms: number): string {
  const money = (amount: number): string => amount.toFixed(2);
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
  const rows = [
    ["processed", money(score.processedAmount), ""],
    ["fees", money(-score.feeAmount), ""],
    ["profit", money(score.profit), ""],
    ["bonus", money(score.bonus), `${percent(score.bonusShare)} for a p99 of ${p99Ms.toFixed(2)} ms`],
    ["fine", money(-score.fine), percent(score.fineShare)],
    ["score", money(score.score), score.isDisqualified ? "DISQUALIFIED: more processed than accepted" : ""],
  ];
  return table(["", "", ""], rows, "lrl").trimStart();
}
