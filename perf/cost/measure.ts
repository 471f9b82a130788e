import { setTimeout as sleep } from "node:timers/promises";
import { say } from "../lab/run-command.ts";
import type { ProcessReading } from "../limits/limited-topology.ts";
import { type UsageBetween, usageBetween } from "../limits/usage-between.ts";
import type { Contender } from "../load/contender.ts";
import { failuresText, loadRound } from "../load/load-round.ts";
import type { CostOptions } from "./command-line.ts";

/** `accept`: our processors fail, so payments are accepted and wait. */
export type Mode = "healthy" | "accept" | "floor";

/** CPU microseconds per payment. */
export interface Cost {
  readonly userUs: number;
  readonly systemUs: number;
}

/** What one load cost, idling taken off. */
export interface CostRound {
  readonly mode: Mode;
  readonly round: number;
  readonly paymentCount: number;
  readonly nginx: Cost;
  /** Both together. */
  readonly instances: Cost;
  readonly idle: readonly UsageBetween[];
  readonly usage: readonly UsageBetween[];
  readonly p99Ms: number;
  readonly latenessP99Ms: number;
  readonly generatorCpuShare: number;
  /** Why the round is not what it should be. */
  readonly problem: string | undefined;
}

const settleWaitMs = 60_000;
/** At the same rate, before what counts: processors that fail are known as down by then. */
const leadInMs = 1500;
/** After a purge, before idling is measured: connections close, journals are put aside. */
const restMs = 1500;

export async function measureCost(
  contenders: readonly Contender[],
  options: CostOptions,
  signal: AbortSignal,
): Promise<CostRound[]> {
  const rounds: CostRound[] = [];
  for (let round = 1; round <= options.roundCount; round++) {
    const idle = await measureIdle(contenders, options.idleMs, signal);
    for (const contender of contenders) {
      const modes: readonly Mode[] = contender.name === "floor" ? ["floor"] : ["accept", "healthy"];
      for (const mode of modes) {
        const cost = await measureMode(contender, { mode, round, idle: idle.get(contender)! }, options, signal);
        rounds.push(cost);
        say(progressText(cost, options.roundCount));
      }
    }
  }
  return rounds;
}

/** All of them at once: nobody is paid. */
async function measureIdle(
  contenders: readonly Contender[],
  idleMs: number,
  signal: AbortSignal,
): Promise<Map<Contender, UsageBetween[]>> {
  for (const { books } of contenders) await books?.purge();
  await sleep(restMs, undefined, { signal });
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

interface Turn {
  readonly mode: Mode;
  readonly round: number;
  readonly idle: readonly UsageBetween[];
}

async function measureMode(
  contender: Contender,
  turn: Turn,
  { ratePerSecond, durationMs }: CostOptions,
  signal: AbortSignal,
): Promise<CostRound> {
  const { url, topology, books } = contender;
  const load = (ms: number) =>
    loadRound({ target: url, ratePerSecond, leadInMs: 0, durationMs: ms, pacing: "thread", signal });
  await books?.purge();
  await books?.open();
  if (turn.mode === "accept") await books?.setFailing(true);
  const leadIn = await load(leadInMs);
  if (turn.mode === "healthy") await books?.settle(leadIn.acceptedCount, leadIn.failedCount, settleWaitMs);

  const before: ProcessReading[] = topology?.readings() ?? [];
  const beganAtMs = performance.now();
  const measured = await load(durationMs);
  const acceptedCount = leadIn.acceptedCount + measured.acceptedCount;
  const failedCount = leadIn.failedCount + measured.failedCount;
  // What is still being processed is part of the cost.
  const settled = turn.mode === "healthy" ? await books?.settle(acceptedCount, failedCount, settleWaitMs) : undefined;
  const usage = usageBetween(before, topology?.readings() ?? [], performance.now() - beganAtMs);
  const processedCount = turn.mode === "accept" ? await books?.processedCount() : 0;

  if (turn.mode === "accept") await books?.setFailing(false);
  const drained = turn.mode === "accept" ? await books?.settle(acceptedCount, failedCount, settleWaitMs) : settled;
  return {
    ...turn,
    paymentCount: measured.acceptedCount,
    nginx: costOf(["nginx"], usage, turn.idle, measured.acceptedCount),
    instances: costOf(["instance-1", "instance-2"], usage, turn.idle, measured.acceptedCount),
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
  idle: readonly UsageBetween[],
  paymentCount: number,
): Cost {
  let userMs = 0;
  let systemMs = 0;
  for (const name of names) {
    const busy = usage.find((process) => process.name === name);
    const rest = idle.find((process) => process.name === name);
    if (busy === undefined || rest === undefined) throw new Error(`a process must be measured: name=${name}`);
    const elapsedMs = busy.cpuShare === 0 ? 0 : busy.cpuMs / busy.cpuShare;
    const idleMs = rest.cpuShare * elapsedMs;
    const idleSystemMs = rest.cpuMs === 0 ? 0 : idleMs * (rest.systemMs / rest.cpuMs);
    systemMs += busy.systemMs - idleSystemMs;
    userMs += busy.cpuMs - busy.systemMs - (idleMs - idleSystemMs);
  }
  return { userUs: (userMs * 1000) / paymentCount, systemUs: (systemMs * 1000) / paymentCount };
}

export const totalUs = ({ userUs, systemUs }: Cost): number => userUs + systemUs;

function progressText({ mode, round, nginx, instances, p99Ms, problem }: CostRound, roundCount: number): string {
  return [
    `round ${round} of ${roundCount}`,
    mode.padEnd(7),
    `nginx ${totalUs(nginx).toFixed(1)} µs  instances ${totalUs(instances).toFixed(1)} µs per payment`,
    `p99 ${p99Ms.toFixed(2)} ms`,
    problem ?? "",
  ]
    .filter((part) => part !== "")
    .join("  ");
}
