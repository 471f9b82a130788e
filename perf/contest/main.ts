import { writeFileSync } from "node:fs";
import { LimitedTopology, type LimitedTopologyOptions, type ProcessReport } from "../limits/limited-topology.ts";
import { type CommandLine, readCommandLine, usage } from "./command-line.ts";
import { runContest } from "./contest.ts";
import { CpuMeter, describeMachine, type Environment } from "./environment.ts";
import type { ContestOptions, Measurement, Target } from "./measurement.ts";
import { contestReport } from "./report.ts";

interface Result {
  readonly measured: Measurement;
  readonly environment: Environment;
}

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2), process.env["LOG_LEVEL"] || undefined);
  if (commandLine === "help") {
    process.stdout.write(usage);
    return;
  }
  const calledOff = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => calledOff.abort(new Error(`called off: signal=${signal}`)));
  }
  const { measured, environment } = await measure(commandLine, calledOff.signal);
  process.stdout.write(contestReport(measured, environment));
  if (commandLine.jsonPath !== undefined) {
    writeFileSync(commandLine.jsonPath, `${jsonOf({ ...environment, ...measured })}\n`);
  }
}

function measure(commandLine: CommandLine, signal: AbortSignal): Promise<Result> {
  const { target } = commandLine;
  if ("service" in target) return measureTarget(commandLine, target, signal);
  return measureOwn(commandLine, target, signal);
}

async function measureTarget({ contest }: CommandLine, target: Target, signal: AbortSignal): Promise<Result> {
  const meter = new CpuMeter();
  let taken = meter.end();
  const hooks = {
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

async function measureOwn({ contest }: CommandLine, own: LimitedTopologyOptions, signal: AbortSignal): Promise<Result> {
  const topology = await LimitedTopology.start(own, signal);
  try {
    const { unlimitedReason, target } = topology;
    if (unlimitedReason !== undefined) say(`no limits: ${unlimitedReason}`);
    const meter = new CpuMeter();
    let taken = meter.end();
    let processes: ProcessReport[] = [];
    const hooks = {
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
    };
    const measured = await runContest(target, { ...contest, fees: contest.fees ?? own.fees }, hooks, signal);
    const description = `profile ${own.profile}`;
    return { measured, environment: { description, processes, unlimitedReason, machine: describeMachine(), ...taken } };
  } finally {
    await topology.stop();
  }
}

function sayBegin({ load }: ContestOptions): void {
  say(`load begins: users=${load.userCount} durationSeconds=${load.durationMs / 1000}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Sums of cents are BigInts; as numbers they are exact up to 2^53. */
function jsonOf(result: object): string {
  return JSON.stringify(result, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value), 2);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
