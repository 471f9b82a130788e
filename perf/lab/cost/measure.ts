import { setTimeout as sleep } from "node:timers/promises";
import { say } from "../command/run-command.ts";
import type { Contender } from "../contenders/contender.ts";
import type { ProcessReading } from "../contenders/limited-topology.ts";
import { type UsageBetween, usageBetween } from "../limits/usage-between.ts";
import { failuresText, loadRound } from "../load/load-round.ts";
import { median } from "../report/figure.ts";
import type { CostOptions } from "./command-line.ts";

/** `accept`: our processors fail, so payments are accepted and wait. */
export type Mode = "healthy" | "accept" | "floor";

/** CPU microseconds per payment. */
export type Cost = {
  readonly userUs: number;
  readonly systemUs: number;
};

/** One load, as it was measured. */
type LoadUsage = {
  readonly mode: Mode;
  readonly round: number;
  readonly paymentCount: number;
  readonly usage: readonly UsageBetween[];
  readonly p99Ms: number;
  readonly latenessP99Ms: number;
  readonly generatorCpuShare: number;
  /** Why the round is not what it should be. */
  readonly problem: string | undefined;
};

/** What one load cost, idling taken off. */
export type CostRound = LoadUsage & {
  readonly nginx: Cost;
  /** Both together. */
  readonly instances: Cost;
};

/** CPU shares of one process when nobody pays. */
export type IdleShare = {
  readonly name: string;
  readonly cpuShare: number;
  readonly systemShare: number;
};

export type CostMeasurement = {
  readonly rounds: readonly CostRound[];
  /** The median over the rounds: some idle seconds are busier than others. */
  readonly idle: Readonly<Record<"ours" | "floor", readonly IdleShare[]>>;
};

const SETTLE_WAIT_MS = 60_000;
/** After a purge, before idling is measured: connections close, journals are put aside. */
const REST_MS = 1000;

export async function measureCost(
  contenders: readonly Contender[],
  options: CostOptions,
  signal: AbortSignal,
): Promise<CostMeasurement> {
  const loads: LoadUsage[] = [];
  const idles: Record<"ours" | "floor", UsageBetween[][]> = { ours: [], floor: [] };
  for (let round = 1; round <= options.roundCount; round++) {
    const idle = await measureIdle(contenders, options.idleMs, signal);
    for (const contender of contenders) {
      idles[isFloor(contender) ? "floor" : "ours"].push(idle.get(contender)!);
      const modes: readonly Mode[] = isFloor(contender) ? ["floor"] : ["accept", "healthy"];
      for (const mode of modes) {
        const load = await measureMode(contender, { mode, round }, options, signal);
        loads.push(load);
        say(progressText(load, options.roundCount));
      }
    }
  }
  const idle = { ours: typicalIdle(idles.ours), floor: typicalIdle(idles.floor) };
  return { rounds: loads.map((load) => withCosts(load, idle[load.mode === "floor" ? "floor" : "ours"])), idle };
}

function isFloor({ name }: Contender): boolean {
  return name === "floor";
}

function withCosts(load: LoadUsage, idle: readonly IdleShare[]): CostRound {
  const { usage, paymentCount } = load;
  return {
    ...load,
    nginx: costOf(["nginx"], usage, idle, paymentCount),
    instances: costOf(["instance-1", "instance-2"], usage, idle, paymentCount),
  };
}

/** Process by process. */
export function typicalIdle(rounds: readonly (readonly UsageBetween[])[]): IdleShare[] {
  const names = new Set(rounds.flatMap((round) => round.map(({ name }) => name)));
  return [...names].map((name) => {
    const own = rounds.flatMap((round) => round.filter((usage) => usage.name === name));
    return {
      name,
      cpuShare: median(own.map(({ cpuShare }) => cpuShare)),
      systemShare: median(
        own.map(({ cpuShare, cpuMs, systemMs }) => (cpuMs === 0 ? 0 : (cpuShare * systemMs) / cpuMs)),
      ),
    };
  });
}

/** All of them at once: nobody is paid. */
async function measureIdle(
  contenders: readonly Contender[],
  idleMs: number,
  signal: AbortSignal,
): Promise<Map<Contender, UsageBetween[]>> {
  for (const { books } of contenders) await books?.purge();
  await sleep(REST_MS, undefined, { signal });
  const before = contenders.map(({ topology }) => topology?.readings() ?? []);
  const beganAtMs = performance.now();
  await sleep(idleMs, undefined, { signal });
  const elapsedMs = performance.now() - beganAtMs;
  return new Map(
    contenders.map((contender, i) => [
      contender,
      usageBetween(before[i]!, contender.topology?.readings() ?? [], elapsedMs),
    ]),
  );
}

type Turn = {
  readonly mode: Mode;
  readonly round: number;
};

async function measureMode(
  contender: Contender,
  turn: Turn,
  { ratePerSecond, durationMs, leadInMs }: CostOptions,
  signal: AbortSignal,
): Promise<LoadUsage> {
  const { url, topology, books } = contender;
  const load = (ms: number) =>
    loadRound({ target: url, ratePerSecond, leadInMs: 0, durationMs: ms, pacing: "thread", signal });
  await books?.purge();
  await books?.open();
  if (turn.mode === "accept") await books?.setFailing(true);
  const leadIn = await load(leadInMs);
  if (turn.mode === "healthy") await books?.settle(leadIn.acceptedCount, leadIn.failedCount, SETTLE_WAIT_MS);

  const before: ProcessReading[] = topology?.readings() ?? [];
  const beganAtMs = performance.now();
  const measured = await load(durationMs);
  const acceptedCount = leadIn.acceptedCount + measured.acceptedCount;
  const failedCount = leadIn.failedCount + measured.failedCount;
  // What is still being processed is part of the cost.
  const settled = turn.mode === "healthy" ? await books?.settle(acceptedCount, failedCount, SETTLE_WAIT_MS) : undefined;
  const usage = usageBetween(before, topology?.readings() ?? [], performance.now() - beganAtMs);
  const processedCount = turn.mode === "accept" ? await books?.processedCount() : 0;

  if (turn.mode === "accept") await books?.setFailing(false);
  const drained = turn.mode === "accept" ? await books?.settle(acceptedCount, failedCount, SETTLE_WAIT_MS) : settled;
  return {
    ...turn,
    paymentCount: measured.acceptedCount,
    usage,
    p99Ms: measured.latencyMs.at(99),
    latenessP99Ms: measured.latenessMs.at(99),
    generatorCpuShare: measured.generatorCpuShare,
    problem: problemOf(failuresText(measured.failures), processedCount ?? 0, drained?.problem),
  };
}

function problemOf(failures: string, processedWhileFailing: number, ofBooks: string | undefined): string | undefined {
  if (failures !== "") return `not accepted: ${failures}`;
  // Some of the first may have passed before the failure was set.
  if (processedWhileFailing > 0) return `nothing must be processed while the processors fail: ${processedWhileFailing}`;
  return ofBooks;
}

/** What the named took for each payment, less what they take when nobody pays. */
export function costOf(
  names: readonly string[],
  usage: readonly UsageBetween[],
  idle: readonly IdleShare[],
  paymentCount: number,
): Cost {
  let userMs = 0;
  let systemMs = 0;
  for (const name of names) {
    const busy = usage.find((process) => process.name === name);
    const rest = idle.find((process) => process.name === name);
    if (busy === undefined || rest === undefined) throw new Error(`a process must be measured: name=${name}`);
    const elapsedMs = busy.cpuShare === 0 ? 0 : busy.cpuMs / busy.cpuShare;
    systemMs += busy.systemMs - rest.systemShare * elapsedMs;
    userMs += busy.cpuMs - busy.systemMs - (rest.cpuShare - rest.systemShare) * elapsedMs;
  }
  return { userUs: (userMs * 1000) / paymentCount, systemUs: (systemMs * 1000) / paymentCount };
}

export const totalUs = ({ userUs, systemUs }: Cost): number => userUs + systemUs;

function progressText({ mode, round, usage, p99Ms, problem }: LoadUsage, roundCount: number): string {
  return [
    `round ${round} of ${roundCount}`,
    mode.padEnd(7),
    usage.map(({ name, cpuShare }) => `${name} ${cpuShare.toFixed(3)}`).join("  "),
    `p99 ${p99Ms.toFixed(2)} ms`,
    problem ?? "",
  ]
    .filter((part) => part !== "")
    .join("  ");
}
