import { runCommand } from "../command/run-command.ts";
import { limitRemarks, startContenders, stopContenders } from "../contenders/contender.ts";
import { warmUpContenders } from "../contenders/warm-up-contenders.ts";
import { describeMachine } from "../contest/environment.ts";
import { describeCommit } from "../report/commit.ts";
import { finish } from "../report/finish.ts";
import { type CostOptions, readCommandLine, USAGE } from "./command-line.ts";
import { type CostMeasurement, measureCost } from "./measure.ts";
import { profileCost } from "./profile.ts";
import { costCharts, costFigures, costRemarks, profileText } from "./report.ts";

async function main(signal: AbortSignal): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === "help") {
    process.stdout.write(USAGE);
    return;
  }
  const { options, outDir } = commandLine;
  const startedAt = new Date().toISOString();
  const { measured, remarks } = await measure(options, signal);
  const profile = options.profileMs === 0 ? undefined : await profileCost(options, signal);
  const result = {
    kind: "cost",
    title: `CPU per payment at ${options.ratePerSecond}/s, ${options.roundCount} rounds of ${options.durationMs / 1000} s`,
    startedAt,
    commit: describeCommit(),
    machine: describeMachine(),
    options,
    figures: costFigures(measured.rounds),
    remarks: [...remarks, ...costRemarks(measured)],
    charts: costCharts(measured.rounds, profile),
    details: { ...measured, profile },
  };
  await finish(result, { outDir });
  if (profile !== undefined) process.stdout.write(profileText(profile));
}

async function measure(
  options: CostOptions,
  signal: AbortSignal,
): Promise<{ measured: CostMeasurement; remarks: string[] }> {
  const { limits, ratePerSecond, warmUpMs } = options;
  const logLevel = process.env["LOG_LEVEL"] || undefined;
  const contenders = await startContenders({ limits, logLevel, hasFloor: true }, signal);
  try {
    await warmUpContenders(contenders, { ratePerSecond, durationMs: warmUpMs, signal });
    return { measured: await measureCost(contenders, options, signal), remarks: limitRemarks(contenders) };
  } finally {
    await stopContenders(contenders);
  }
}

await runCommand(main);
