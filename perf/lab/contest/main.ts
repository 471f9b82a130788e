import { writeFileSync } from "node:fs";
import { describeCommit } from "../report/commit.ts";
import { finish, resultJson } from "../report/finish.ts";
import { type CommandLine, readCommandLine, USAGE } from "./command-line.ts";
import { contestReport } from "./report.ts";
import { type ContestRounds, contestResult } from "./result.ts";
import { type ContestRound, measureOwn, measureTarget, say } from "./round.ts";

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2), process.env["LOG_LEVEL"] || undefined);
  if (commandLine === "help") {
    process.stdout.write(USAGE);
    return;
  }
  const calledOff = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => calledOff.abort(new Error(`called off: signal=${signal}`)));
  }
  const commit = describeCommit();
  const rounds = await measureRounds(commandLine, calledOff.signal);
  if (commandLine.jsonPath !== undefined) writeFileSync(commandLine.jsonPath, resultJson(plainJson(rounds.ours)));
  await finish(contestResult(commandLine, rounds, commit), { outDir: commandLine.outDir });
}

/** Ours and the floor in turn, so that what else the machine does meets both. */
async function measureRounds(commandLine: CommandLine, signal: AbortSignal): Promise<ContestRounds> {
  const { contest, target, roundCount, withFloor } = commandLine;
  const ours: ContestRound[] = [];
  const floor: ContestRound[] = [];
  for (let round = 1; round <= roundCount; round++) {
    if (roundCount > 1) say(`round ${round} of ${roundCount}`);
    if ("service" in target) {
      ours.push(await measureTarget(contest, target, signal));
    } else {
      ours.push(await measureOwn(contest, target, "service", signal));
      if (withFloor) {
        say("the floor");
        floor.push(await measureOwn(contest, target, "floor", signal));
      }
    }
    const { measured, environment } = ours.at(-1)!;
    process.stdout.write(contestReport(measured, environment));
  }
  return { ours, floor };
}

/** Of one round its object, of several a list of them. */
function plainJson(rounds: readonly ContestRound[]): object {
  const plain = rounds.map(({ measured, environment }) => ({ ...environment, ...measured }));
  return plain.length === 1 ? plain[0]! : plain;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
