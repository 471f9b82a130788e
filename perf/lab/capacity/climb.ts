import { setTimeout as sleep } from "node:timers/promises";
import { say } from "../../command/run-command.ts";
import type { Settlement } from "../contenders/books.ts";
import type { Contender } from "../contenders/contender.ts";
import { type UsageBetween, usageBetween } from "../limits/usage-between.ts";
import { failuresText, type LoadRound, loadRound } from "../load/load-round.ts";
import { isGeneratorLate } from "../load/load-summary.ts";
import type { CapacityOptions } from "./command-line.ts";

/** One try at one rate. */
export type Step = {
  readonly load: LoadRound;
  readonly usage: readonly UsageBetween[];
  /** Processed from the first payment to the last answer, per second of it; `undefined` for the floor. */
  readonly processedPerSecond: number | undefined;
  /** Accepted but not processed when the last answer came. */
  readonly backlogCount: number | undefined;
  readonly settlement: Settlement | undefined;
  /** Why it has not passed; empty if it has. */
  readonly shortfalls: readonly string[];
};

export type Climb = {
  readonly contender: Contender["name"];
  readonly round: number;
  /** 0: not even the first step. */
  readonly ratePassed: number;
  readonly steps: readonly Step[];
  readonly isAtEnd: boolean;
};

/** A failed step's backlog is worked off before the next try, for so long at most. */
const DRAIN_MS_MAX = 30_000;
/** For the CPU periods of a limit to begin anew. */
const REST_MS = 300;

/** Climbs until a step fails twice, or to the end of the range. */
export async function climb(
  contender: Contender,
  round: number,
  options: CapacityOptions,
  signal: AbortSignal,
): Promise<Climb> {
  const steps: Step[] = [];
  // What somebody else has started is not ours to empty.
  if (contender.topology !== undefined) await contender.books?.purge();
  const tryAt = async (rate: number): Promise<boolean> => {
    const step = await tryStep(contender, rate, options, signal);
    steps.push(step);
    say(progressText(contender, round, step));
    await sleep(REST_MS, undefined, { signal });
    return step.shortfalls.length === 0;
  };
  let ratePassed = 0;
  for (const rate of ratesOf(options)) {
    if (!(await tryAt(rate)) && !(await tryAt(rate))) {
      return { contender: contender.name, round, ratePassed, steps, isAtEnd: false };
    }
    ratePassed = rate;
  }
  return { contender: contender.name, round, ratePassed, steps, isAtEnd: true };
}

export function ratesOf({ fromRate, toRate, stepRate }: CapacityOptions): number[] {
  return Array.from({ length: Math.floor((toRate - fromRate) / stepRate) + 1 }, (_, i) => fromRate + i * stepRate);
}

async function tryStep(
  { url, readings, books }: Contender,
  ratePerSecond: number,
  options: CapacityOptions,
  signal: AbortSignal,
): Promise<Step> {
  const { durationMs, leadInMs } = options;
  await books?.open();
  const before = readings();
  // Half a millisecond of lateness is nothing beside 11 ms, and the CPU that an exact pacer takes is missing elsewhere.
  const load = await loadRound({ target: url, ratePerSecond, leadInMs, durationMs, pacing: "timer", signal });
  const usage = usageBetween(before, readings(), load.elapsedMs);
  const processedCount = await books?.processedCount();
  const settlement = await books?.settle(load.acceptedCount, load.failedCount, DRAIN_MS_MAX);
  return {
    load,
    usage,
    processedPerSecond: processedCount === undefined ? undefined : (processedCount * 1000) / load.elapsedMs,
    backlogCount: processedCount === undefined ? undefined : Math.max(0, load.acceptedCount - processedCount),
    settlement,
    shortfalls: shortfallsOf(load, settlement, options),
  };
}

/** What keeps a step from passing. */
export function shortfallsOf(
  load: Pick<LoadRound, "latencyMs" | "failures" | "failedCount">,
  settlement: Settlement | undefined,
  { p99MsMax, processedWithinMs }: Pick<CapacityOptions, "p99MsMax" | "processedWithinMs">,
): string[] {
  const shortfalls: string[] = [];
  const p99Ms = load.latencyMs.at(99);
  if (!(p99Ms < p99MsMax)) shortfalls.push(`p99 ${p99Ms.toFixed(2)} ms`);
  if (load.failedCount > 0) shortfalls.push(`not accepted: ${failuresText(load.failures)}`);
  if (settlement?.problem !== undefined) shortfalls.push(settlement.problem);
  else if (settlement?.tookMs !== undefined && settlement.tookMs > processedWithinMs) {
    shortfalls.push(`processed only after ${settlement.tookMs.toFixed(0)} ms`);
  }
  return shortfalls;
}

function progressText({ name }: Contender, round: number, { load, settlement, shortfalls, usage }: Step): string {
  const cpu = usage.reduce((sum, { cpuShare }) => sum + cpuShare, 0);
  return [
    `round ${round}`,
    `${name.padEnd(5)} ${load.ratePerSecond}/s`,
    `p99 ${load.latencyMs.at(99).toFixed(2)} ms`,
    `CPU ${cpu.toFixed(2)} + generator ${load.generatorCpuShare.toFixed(2)}`,
    `late p99 ${load.latenessMs.at(99).toFixed(2)} ms${isGeneratorLate(load) ? " MARKED" : ""}`,
    settlement?.tookMs === undefined ? "" : `processed after ${settlement.tookMs.toFixed(0)} ms`,
    shortfalls.length === 0 ? "passes" : `FAILS: ${shortfalls.join("; ")}`,
  ]
    .filter((part) => part !== "")
    .join("  ");
}
