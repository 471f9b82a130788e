import {
  LimitedTopology,
  type LimitedTopologyOptions,
  type ProcessReport,
  type Program,
} from "../contenders/limited-topology.ts";
import { type ContestHooks, runContest } from "./contest.ts";
import { CpuMeter, describeMachine, type Environment } from "./environment.ts";
import type { ContestOptions, Measurement, Target } from "./measurement.ts";

/** One run of the contest, and what it was run on. */
export type ContestRound = {
  readonly measured: Measurement;
  readonly environment: Environment;
};

export async function measureTarget(
  contest: ContestOptions,
  target: Target,
  signal: AbortSignal,
): Promise<ContestRound> {
  const meter = new CpuMeter();
  let taken = meter.end();
  const hooks: ContestHooks = {
    onProgress: say,
    onLoadStart() {
      sayBegin(contest);
      meter.begin();
    },
    onLoadEnd() {
      taken = meter.end();
    },
  };
  const measured = await runContest(target, contest, hooks, signal);
  const description = `against ${target.service.href}`;
  const unlimitedReason = "whoever has started the service sets its limits";
  return {
    measured,
    environment: { description, processes: [], unlimitedReason, machine: describeMachine(), ...taken },
  };
}

/** Starts everything, and ends it again. */
export async function measureOwn(
  contest: ContestOptions,
  own: LimitedTopologyOptions,
  program: Program,
  signal: AbortSignal,
): Promise<ContestRound> {
  const topology = await LimitedTopology.start(own, program, signal);
  try {
    const { unlimitedReason, target } = topology;
    if (unlimitedReason !== undefined) say(`no limits: ${unlimitedReason}`);
    const meter = new CpuMeter();
    let taken = meter.end();
    let processes: ProcessReport[] = [];
    const hooks: ContestHooks = {
      onProgress: say,
      onLoadStart() {
        sayBegin(contest);
        topology.markBegin();
        meter.begin();
      },
      onLoadEnd() {
        taken = meter.end();
        processes = topology.processReports();
      },
      cpuSeconds: () => topology.cpuSeconds(),
    };
    // The floor processes nothing, so there is nothing to wait for.
    const options = program === "floor" ? { ...contest, drainMs: 0 } : contest;
    const measured = await runContest(target, { ...options, fees: contest.fees ?? own.fees }, hooks, signal);
    const description = program === "floor" ? "the floor" : `profile ${own.profile}`;
    return { measured, environment: { description, processes, unlimitedReason, machine: describeMachine(), ...taken } };
  } finally {
    await topology.stop();
  }
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function sayBegin({ load }: ContestOptions): void {
  say(`load begins: users=${load.userCount} durationSeconds=${load.durationMs / 1000}`);
}
