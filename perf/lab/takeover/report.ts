import { formatTarget, readStoreUrl } from "../../../server/postgres/store-url.ts";
import { LATENESS_MS_MAX } from "../load/load-summary.ts";
import { Samples } from "../load/samples.ts";
import { figure } from "../report/figure.ts";
import type { Figure, Measured } from "../report/result.ts";
import { type Aftermath, aftermathsOf } from "./aftermath.ts";
import type { Campaign } from "./campaign.ts";
import type { TakeoverOptions } from "./command-line.ts";
import { differenceCount } from "./exact-books.ts";

/** A figure's rounds are the injuries, in order. */
export function resultOf(options: TakeoverOptions, campaign: Campaign): Measured {
  const aftermaths = aftermathsOf(campaign);
  const { how, killCount, ratePerSecond, keptCount, store } = options;
  const kept = `${keptCount} payments in each half`;
  const where = store === "none" ? "" : " over PostgreSQL";
  return {
    kind: "takeover",
    title: `what clients notice${where}: ${how}, ${killCount} times at ${ratePerSecond}/s, ${kept}`,
    options: withoutUrl(options),
    figures: [...aftermathFigures(aftermaths), ...summaryFigures(campaign), ...endFigures(campaign)],
    remarks: remarksOf(campaign),
    charts: [],
    details: { statuses: statusCounts(campaign), aftermaths, differences: campaign.differences },
  };
}

function aftermathFigures(aftermaths: readonly Aftermath[]): Figure[] {
  const figures: [name: string, unit: string, values: number[]][] = [
    ["answers other than 2xx", "payments", aftermaths.map(({ failedCount }) => failedCount)],
    ["longest request", "ms", aftermaths.map(({ longestMs }) => longestMs)],
    ["requests over 400 ms", "payments", aftermaths.map(({ over400MsCount }) => over400MsCount)],
    ["requests over 1 s", "payments", aftermaths.map(({ over1sCount }) => over1sCount)],
    ["longest refusal", "ms", aftermaths.map(({ longestRefusalMs }) => longestRefusalMs)],
    ["longest time a partition refuses", "ms", aftermaths.map(({ longestOutageMs }) => longestOutageMs)],
    ["refusals after all run again", "ms", aftermaths.map((one) => one.answeredAfterHealingMs)],
    ["until all run again", "ms", aftermaths.map(({ healedAfterMs }) => healedAfterMs)],
    ["p99 of the hit half before", "ms", aftermaths.map(({ hit }) => hit.p99BeforeMs)],
    ["p99 of the hit half meanwhile", "ms", aftermaths.map(({ hit }) => hit.p99DuringMs)],
    ["p99 of the other half before", "ms", aftermaths.map(({ other }) => other.p99BeforeMs)],
    ["p99 of the other half meanwhile", "ms", aftermaths.map(({ other }) => other.p99DuringMs)],
  ];
  return figures.flatMap(([name, unit, values]) => {
    const known = values.filter(Number.isFinite);
    return known.length === 0 ? [] : [figure(name, unit, "lower", known)];
  });
}

function summaryFigures({ summaries }: Campaign): Figure[] {
  const share = (count: number): number => (100 * count) / Math.max(1, summaries.length);
  const refused = summaries.filter(({ status }) => status !== 200).length;
  return [
    figure("summaries not answered 200", "%", "lower", [share(refused)]),
    figure("summaries with a part missing", "summaries", "lower", [summaries.filter((one) => one.isPartial).length]),
    figure("p99 of summaries", "ms", "lower", [new Samples(summaries.map(({ durationMs }) => durationMs)).at(99)]),
    figure("longest summary", "ms", "lower", [new Samples(summaries.map(({ durationMs }) => durationMs)).at(100)]),
  ];
}

function endFigures({ differences, outOfOrderCount, peakBytes }: Campaign): Figure[] {
  return [
    figure("differences in the audit", "payments", "lower", [differenceCount(differences)]),
    ...(outOfOrderCount === undefined
      ? []
      : [figure("chunks of an epoch that was over", "chunks", "lower", [outOfOrderCount])]),
    ...(peakBytes.length === 0
      ? []
      : [figure("an instance's highest memory", "MB", "lower", [memoryMbMax(peakBytes)])]),
  ];
}

function memoryMbMax(peakBytes: readonly number[]): number {
  return Math.max(...peakBytes) / 1e6;
}

/** What is saved: a URL has a password. */
function withoutUrl(options: TakeoverOptions): Record<string, unknown> {
  const { store } = options;
  return { ...options, store: typeof store === "string" ? store : formatTarget(readStoreUrl(store.url)) };
}

/** `202: 14000, 503: 12`; 0 is no answer. */
function statusCounts({ record }: Campaign): Record<string, number> {
  const counts = new Map<number, number>();
  for (const status of record.statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function remarksOf(campaign: Campaign): string[] {
  const { differences, summaries, nginxLineCount, record } = campaign;
  const texts = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([status, count]) => `${status}: ${count}`)
      .join(", ");
  const unanswered = Object.fromEntries(Object.entries(record.failures).filter(([why]) => !why.startsWith("status")));
  const summaryStatuses: Record<string, number> = {};
  for (const { status } of summaries) summaryStatuses[status] = (summaryStatuses[status] ?? 0) + 1;
  const latenessMs = new Samples(record.sentMs.map((sentMs, i) => sentMs - record.dueMs[i]!)).at(99);
  const isLate = latenessMs > LATENESS_MS_MAX;
  return [
    ...(isLate ? [`the generator was late itself: p99 ${latenessMs.toFixed(1)} ms, which is in every time`] : []),
    `payments by status: ${texts(statusCounts(campaign))}`,
    ...(Object.keys(unanswered).length > 0 ? [`payments without an answer: ${texts(unanswered)}`] : []),
    `summaries by status: ${texts(summaryStatuses)}`,
    `lines in nginx's log: ${nginxLineCount}`,
    ...differences.examples,
  ];
}
