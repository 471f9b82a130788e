import { setTimeout as sleep } from "node:timers/promises";
import { say } from "../../command/run-command.ts";
import { type Contender, type ContenderName, type FloorName, isFloor } from "../contenders/contender.ts";
import { SENDER_NAME } from "../contenders/named-groups.ts";
import { type UsageBetween, usageBetween } from "../limits/usage-between.ts";
import { failuresText, type LoadRound, loadRound } from "../load/load-round.ts";
import type { CostOptions } from "./command-line.ts";
import { type Cost, costOf, type IdleShare, typicalIdle } from "./costs.ts";

/** `accept`: the processors fail, so payments are accepted and wait. */
export type Mode = "healthy" | "accept" | FloorName;

/** One load, as it was measured. */
type LoadUsage = {
  readonly contender: ContenderName;
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
  /** All of them together. */
  readonly instances: Cost;
  /** The fair floor's. */
  readonly sender: Cost;
};

export type CostMeasurement = {
  readonly rounds: readonly CostRound[];
  /** The median over the rounds: some idle seconds are busier than others. */
  readonly idle: Readonly<Partial<Record<ContenderName, readonly IdleShare[]>>>;
};

type Turn = Pick<LoadUsage, "contender" | "mode" | "round">;

const SETTLE_WAIT_MS = 60_000;
/** After a purge, before idling is measured: connections close, journals are put aside. */
const REST_MS = 1000;

export async function measureCost(
  contenders: readonly Contender[],
  options: CostOptions,
  signal: AbortSignal,
): Promise<CostMeasurement> {
  const loads: LoadUsage[] = [];
  const idles = new Map<ContenderName, UsageBetween[][]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.roundCount; round++) {
    const idle = await measureIdle(contenders, options.idleMs, signal);
    for (const contender of contenders) {
      idles.get(contender.name)!.push(idle.get(contender.name)!);
      for (const mode of modesOf(contender)) {
        const load = await measureMode(contender, { contender: contender.name, mode, round }, options, signal);
        loads.push(load);
        say(progressText(load, options.roundCount));
      }
    }
  }
  const idle = new Map([...idles].map(([name, usages]) => [name, typicalIdle(usages)]));
  return {
    rounds: loads.map((load) => withCosts(load, idle.get(load.contender)!)),
    idle: Object.fromEntries(idle),
  };
}

/** Whether accepting can be told apart depends on whether somebody can make the processors fail. */
function modesOf({ name, books }: Contender): readonly Mode[] {
  if (isFloor(name)) return [name];
  return books === undefined ? ["healthy"] : ["accept", "healthy"];
}

function withCosts(load: LoadUsage, idle: readonly IdleShare[]): CostRound {
  const { usage, paymentCount } = load;
  const names = usage.map(({ name }) => name).filter((name) => !name.startsWith("processor-"));
  const costOfThose = (isWanted: (name: string) => boolean): Cost =>
    costOf(names.filter(isWanted), usage, idle, paymentCount);
  return {
    ...load,
    nginx: costOfThose((name) => name === "nginx"),
    instances: costOfThose((name) => name !== "nginx" && name !== SENDER_NAME),
    sender: costOfThose((name) => name === SENDER_NAME),
  };
}

/** All of them at once: nobody is paid. */
export async function measureIdle(
  contenders: readonly Contender[],
  idleMs: number,
  signal: AbortSignal,
): Promise<Map<ContenderName, UsageBetween[]>> {
  for (const contender of contenders) await empty(contender);
  await sleep(REST_MS, undefined, { signal });
  const before = contenders.map(({ readings }) => readings());
  const beganAtMs = performance.now();
  await sleep(idleMs, undefined, { signal });
  const elapsedMs = performance.now() - beganAtMs;
  return new Map(contenders.map(({ name, readings }, i) => [name, usageBetween(before[i]!, readings(), elapsedMs)]));
}

/** What somebody else has started is not ours to empty. */
async function empty({ topology, books }: Contender): Promise<void> {
  if (topology !== undefined) await books?.purge();
}

async function measureMode(
  contender: Contender,
  turn: Turn,
  { ratePerSecond, durationMs, leadInMs }: CostOptions,
  signal: AbortSignal,
): Promise<LoadUsage> {
  const { url, readings, books } = contender;
  const isFailing = turn.mode === "accept";
  const load = (ms: number) =>
    loadRound({ target: url, ratePerSecond, leadInMs: 0, durationMs: ms, pacing: "thread", signal });
  const settle = (...loads: readonly LoadRound[]) =>
    books?.settle(sum(loads, "acceptedCount"), sum(loads, "failedCount"), SETTLE_WAIT_MS);
  await empty(contender);
  await books?.open();
  if (isFailing) await books?.setFailing(true);
  // By its end processors that fail are known as down.
  const leadIn = await load(leadInMs);
  if (!isFailing) await settle(leadIn);

  const before = readings();
  const beganAtMs = performance.now();
  const measured = await load(durationMs);
  // What is still being processed is part of the cost.
  const settled = isFailing ? undefined : await settle(leadIn, measured);
  const usage = usageBetween(before, readings(), performance.now() - beganAtMs);

  const processedCount = isFailing ? await books?.processedCount() : 0;
  if (isFailing) await books?.setFailing(false);
  const drained = isFailing ? await settle(leadIn, measured) : settled;
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

function sum(loads: readonly LoadRound[], count: "acceptedCount" | "failedCount"): number {
  return loads.reduce((total, load) => total + load[count], 0);
}

function problemOf(failures: string, processedWhileFailing: number, ofBooks: string | undefined): string | undefined {
  if (failures !== "") return `not accepted: ${failures}`;
  // Some of the first may have passed before the failure was set.
  if (processedWhileFailing > 0) return `nothing must be processed while the processors fail: ${processedWhileFailing}`;
  return ofBooks;
}

function progressText({ mode, round, usage, p99Ms, problem }: LoadUsage, roundCount: number): string {
  return [
    `round ${round} of ${roundCount}`,
    mode.padEnd(10),
    usage.map(({ name, cpuShare }) => `${name} ${cpuShare.toFixed(3)}`).join("  "),
    `p99 ${p99Ms.toFixed(2)} ms`,
    problem ?? "",
  ]
    .filter((part) => part !== "")
    .join("  ");
}
