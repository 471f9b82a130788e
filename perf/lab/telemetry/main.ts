import { parseArgs } from "node:util";
import { readDecimal, readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import { runCommand, say } from "../command/run-command.ts";
import { describeMachine } from "../contest/environment.ts";
import { describeCommit } from "../report/commit.ts";
import { finish } from "../report/finish.ts";
import { bench } from "./bench.ts";
import { resultOf } from "./result.ts";

const USAGE = `What watching costs a payment: metrics, the live page, traces.

  npm run perf:telemetry -- [options]

An instance that is not watched at all against instances that are, each with a processor that answers at once and a collector that takes
every span. Rounds are interleaved, and each ends when all its payments are processed. CPU is the instance's own, user and system;
"÷ off" compares what one core would do, round by round.

  --rounds COUNT           after one that warms up                                    (9)
  --seconds SECONDS        of each instance in a round                                (1)
  --connections COUNT      each sends the next payment when the last is answered     (32)
  --modes NAMES            only these, comma-separated, beside "off"                (all)
${OUTPUT_USAGE}
  --help
`;

const TEXT = { type: "string" } as const;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: TEXT,
      seconds: TEXT,
      connections: TEXT,
      modes: TEXT,
      ...OUTPUT_OPTIONS,
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const options = {
    rounds: readWholeNumber("rounds", values.rounds ?? "9", 1, 1000),
    durationMs: readDecimal("seconds", values.seconds ?? "1", 0.1, 600) * 1000,
    connections: readWholeNumber("connections", values.connections ?? "32", 1, 1000),
    modes: (values.modes ?? "").split(",").filter((name) => name !== ""),
  };
  const outDir = readOutDir(values);
  const startedAt = new Date().toISOString();
  const commit = describeCommit();
  const onRound = (round: number): void => say(round === 0 ? "warmed up" : `round ${round} of ${options.rounds}`);
  const byMode = await bench(options, onRound, signal);
  await finish({ ...resultOf(options, byMode), startedAt, commit, machine: describeMachine() }, { outDir });
}

await runCommand(main);
