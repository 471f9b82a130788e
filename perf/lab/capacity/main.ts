import { runCommand } from "../command/run-command.ts";
import { type Contender, limitRemarks, startContenders, stopContenders } from "../contenders/contender.ts";
import { warmUpContenders } from "../contenders/warm-up-contenders.ts";
import { describeMachine } from "../contest/environment.ts";
import { describeCommit } from "../report/commit.ts";
import { finish } from "../report/finish.ts";
import { type Climb, climb } from "./climb.ts";
import { type CapacityOptions, readCommandLine, USAGE } from "./command-line.ts";
import { capacityCharts, capacityDetails, capacityFigures, capacityRemarks } from "./report.ts";

/** High enough that everything is compiled when it is over. */
const WARM_UP_RATE_MAX = 4000;

async function main(signal: AbortSignal): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === "help") {
    process.stdout.write(USAGE);
    return;
  }
  const { options, outDir } = commandLine;
  const startedAt = new Date().toISOString();
  const { limits, hasFloor } = options;
  const logLevel = process.env["LOG_LEVEL"] || undefined;
  const contenders = await startContenders({ limits, hasFloor, logLevel }, signal);
  try {
    const climbs = await climbInTurn(contenders, options, signal);
    const { fromRate, toRate, stepRate, p99MsMax } = options;
    const result = {
      kind: "capacity",
      title: `highest rate with p99 below ${p99MsMax} ms and everything processed: from ${fromRate}/s to ${toRate}/s by ${stepRate}, ${options.roundCount} rounds`,
      startedAt,
      commit: describeCommit(),
      machine: describeMachine(),
      options,
      figures: capacityFigures(climbs),
      remarks: [...limitRemarks(contenders), ...capacityRemarks(climbs, options)],
      charts: capacityCharts(climbs, options),
      details: capacityDetails(climbs),
    };
    await finish(result, { outDir });
  } finally {
    await stopContenders(contenders);
  }
}

async function climbInTurn(
  contenders: readonly Contender[],
  options: CapacityOptions,
  signal: AbortSignal,
): Promise<Climb[]> {
  await warmUpContenders(contenders, {
    ratePerSecond: Math.min(options.toRate, WARM_UP_RATE_MAX),
    durationMs: options.warmUpMs,
    signal,
  });
  const climbs: Climb[] = [];
  for (let round = 1; round <= options.roundCount; round++) {
    for (const contender of contenders) climbs.push(await climb(contender, round, options, signal));
  }
  return climbs;
}

await runCommand(main);
