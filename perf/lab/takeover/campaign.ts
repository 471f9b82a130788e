import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectParties } from "../../audit/parties.ts";
import { say } from "../../command/run-command.ts";
import { startTopology, type Topology } from "../../launch/topology.ts";
import { readUsageOfTree } from "../limits/process-usage.ts";
import type { LoadRecord } from "../load/load-record.ts";
import type { TakeoverOptions } from "./command-line.ts";
import { type BooksDifferences, differencesIn, settled } from "./exact-books.ts";
import { INSTANCES, type Injury, injure, injuryMsMax, injuryOf } from "./injury.ts";
import { LabStore } from "./lab-store.ts";
import { Payers } from "./payers.ts";
import { type SummaryAnswer, SummaryWatch } from "./summary-watch.ts";

/** Times are on the load's clock. */
export type InjuryTimes = Injury & {
  readonly beganMs: number;
  /** Everybody runs again. */
  readonly healedMs: number;
  /** The next one begins, or the load ends. */
  readonly endedMs: number;
};

export type Campaign = {
  readonly injuries: readonly InjuryTimes[];
  readonly record: LoadRecord;
  /** By the payment's number in the record; `undefined` for one that was not sent. */
  readonly correlationIds: readonly (string | undefined)[];
  readonly summaries: readonly SummaryAnswer[];
  readonly differences: BooksDifferences;
  readonly nginxLineCount: number;
  readonly partitionCount: number;
  /** Highest resident memory of each instance that runs at the end, in its life. */
  readonly peakBytes: readonly number[];
  /** Chunks in the store that an epoch wrote after it was over; undefined without a store. */
  readonly outOfOrderCount: number | undefined;
};

/** Fast enough, and below what two cores can do with everything else that runs on them. */
const PRELOAD_PER_SECOND = 2500;
/** Before the first injury, for something to compare with. */
const LEAD_IN_MS = 5000;
const CALL_TIMEOUT_MS = 10_000;
const CONNECTION_COUNT = 4;

/** The whole service on this machine, hurt again and again under load. */
export async function runCampaign(options: TakeoverOptions, signal: AbortSignal): Promise<Campaign> {
  const dataDir = mkdtempSync(join(tmpdir(), "rinha-takeover-"));
  let nginxLineCount = 0;
  let store: LabStore | undefined;
  try {
    store = await LabStore.open(options.store);
    const topology = await startTopology({
      port: 0,
      processorPorts: { default: 0, fallback: 0 },
      storeUrl: store?.url ?? "",
      env: { LOG_LEVEL: process.env["LOG_LEVEL"] || "warn", ...(store === undefined && { DATA_DIR: dataDir }) },
      hooks: {
        onLine(name, _, line) {
          if (name === "nginx") nginxLineCount++;
          if (process.env["LOG_LEVEL"]) say(`${name}: ${line}`);
        },
      },
      signal,
    });
    try {
      const measured = await measure(topology, store, options, signal);
      return { ...measured, nginxLineCount };
    } finally {
      await topology.stop();
    }
  } finally {
    await store?.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(
  topology: Topology,
  store: LabStore | undefined,
  options: TakeoverOptions,
  signal: AbortSignal,
): Promise<Omit<Campaign, "nginxLineCount">> {
  const service = new URL(topology.url);
  const processors = Object.entries(topology.processorUrls).map(([name, url]) => [name, new URL(url)] as const);
  const target = { service, processors: Object.fromEntries(processors), token: "123" };
  const parties = connectParties(target, CONNECTION_COUNT, CALL_TIMEOUT_MS);
  const keptCount = await preload(service, 2 * options.keptCount, signal);
  await settled(parties, keptCount, signal);
  const injuries = Array.from({ length: options.killCount }, (_, i) => injuryOf(options.how, i, options.awayMs));
  const durationMsMax = injuries.reduce((sum, one) => sum + injuryMsMax(one) + options.everyMs, 2 * LEAD_IN_MS);
  const payers = new Payers(service, options.ratePerSecond, durationMsMax);
  const summaries = new SummaryWatch(service, () => payers.nowMs);
  try {
    const times = await Promise.race([
      injureAll(topology, store, payers, injuries, options, signal),
      failureOf(payers),
    ]);
    const record = await payers.end();
    await summaries.close();
    await settled(parties, keptCount + record.acceptedCount, signal);
    const correlationIds = payers.correlationIdsOf(record);
    const differences = await differencesIn(parties, record, correlationIds);
    return {
      injuries: times,
      record,
      correlationIds,
      summaries: summaries.answers,
      differences,
      partitionCount: (await store?.partitionCount()) ?? INSTANCES.length,
      peakBytes: peaksOf(topology),
      outOfOrderCount: await store?.outOfOrderCount(),
    };
  } finally {
    payers.close();
    await summaries.close();
    await parties.close();
  }
}

function peaksOf({ processes }: Topology): number[] {
  return processes.flatMap(({ name, pid }) =>
    name.startsWith("instance-") && pid !== undefined ? (readUsageOfTree(pid)?.rssPeakBytes ?? []) : [],
  );
}

/** Payments that are there before anything happens. Returns how many were accepted. */
async function preload(service: URL, count: number, signal: AbortSignal): Promise<number> {
  if (count === 0) return 0;
  say(`paying ahead: payments=${count}`);
  const payers = new Payers(service, PRELOAD_PER_SECOND, (count * 1000) / PRELOAD_PER_SECOND);
  const callOff = (): void => payers.close();
  signal.addEventListener("abort", callOff, { once: true });
  try {
    const { acceptedCount } = await payers.ended;
    signal.throwIfAborted();
    return acceptedCount;
  } finally {
    signal.removeEventListener("abort", callOff);
  }
}

/** Never resolves. */
async function failureOf(payers: Payers): Promise<never> {
  await payers.ended;
  return await new Promise(() => {});
}

async function injureAll(
  topology: Topology,
  store: LabStore | undefined,
  payers: Payers,
  injuries: readonly Injury[],
  { everyMs }: TakeoverOptions,
  signal: AbortSignal,
): Promise<InjuryTimes[]> {
  const times: InjuryTimes[] = [];
  await sleep(LEAD_IN_MS, undefined, { signal });
  for (const [i, injury] of injuries.entries()) {
    const beganMs = payers.nowMs;
    await injure(topology, store, injury, signal);
    const healedMs = payers.nowMs;
    // One that is healed late has its calm all the same: what it had been asked may be answered late as well.
    await sleep(Math.max(everyMs - (healedMs - beganMs), everyMs / 2), undefined, { signal });
    if (injury.how === "primary") await store!.pair.renew();
    times.push({ ...injury, beganMs, healedMs, endedMs: payers.nowMs });
    const what = `${injury.how} instance ${injury.instances.join(" and ")}`;
    say(`${i + 1} of ${injuries.length}: ${what}, healed after ${(healedMs - beganMs).toFixed(0)} ms`);
  }
  return times;
}
