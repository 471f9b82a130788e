import { runCommand } from "../command/run-command.ts";
import { Books } from "../contenders/books.ts";
import { type Contender, limitRemarks, startContenders, startFloor, stopContenders } from "../contenders/contender.ts";
import { describeMachine } from "../contest/environment.ts";
import { describeCommit } from "../report/commit.ts";
import { finish } from "../report/finish.ts";
import { type CommandLine, type OtherTarget, readCommandLine, USAGE } from "./command-line.ts";
import { measureLatency } from "./measure.ts";
import { latencyCharts, latencyDetails, latencyFigures, latencyRemarks } from "./report.ts";

async function main(signal: AbortSignal): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === "help") {
    process.stdout.write(USAGE);
    return;
  }
  const { options, outDir } = commandLine;
  const startedAt = new Date().toISOString();
  const contenders = await start(commandLine, signal);
  try {
    const rounds = await measureLatency(contenders, options, signal);
    const { rates, roundCount, durationMs } = options;
    const result = {
      kind: "latency",
      title: `latency of accepting at ${rates.join(" and ")}/s, ${roundCount} rounds of ${durationMs / 1000} s: ${contenders.map(({ name }) => name).join(" and ")}`,
      startedAt,
      commit: describeCommit(),
      machine: describeMachine(),
      options: { ...options, target: commandLine.target?.service.href },
      figures: latencyFigures(rounds),
      remarks: [...limitRemarks(contenders), ...latencyRemarks(rounds)],
      charts: latencyCharts(rounds),
      details: latencyDetails(rounds),
    };
    await finish(result, { outDir });
    // A payment lost or charged twice is no result.
    if (rounds.some(({ settlement }) => settlement?.problem !== undefined)) process.exitCode = 1;
  } finally {
    await stopContenders(contenders);
  }
}

async function start({ options, target }: CommandLine, signal: AbortSignal): Promise<Contender[]> {
  const { limits, hasFloor } = options;
  const logLevel = process.env["LOG_LEVEL"] || undefined;
  if (target === undefined) return startContenders({ limits, hasFloor, logLevel }, signal);
  const floor = hasFloor ? [await startFloor({ limits, logLevel }, signal)] : [];
  return [otherContender(target), ...floor];
}

function otherContender({ service, books }: OtherTarget): Contender {
  return {
    name: "target",
    url: service,
    topology: undefined,
    books: books === undefined ? undefined : new Books(books),
  };
}

await runCommand(main);
