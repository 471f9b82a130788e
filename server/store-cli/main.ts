import { errorLine } from "../text/argument-error.ts";
import { watchedProgress } from "../text/progress.ts";
import { check, isSound } from "./check.ts";
import { type CommandLine, readCommandLine, USAGE } from "./command-line.ts";
import { importJournals } from "./import/import.ts";
import { init } from "./init.ts";
import { checkLines, importLines, initLines, restoreLines } from "./report.ts";
import { restore } from "./restore.ts";

const EXIT_REFUSED = 1;
const EXIT_FAILED = 2;

/** What a command has to say, to programs and to people. */
type Outcome = { json: object; lines: readonly string[]; isRefused: boolean };

// Whoever reads our output may have seen enough, as `head` does.
process.stdout.on("error", () => process.exit(0));

async function carryOut(wish: CommandLine): Promise<Outcome> {
  const { target } = wish;
  const progress = watchedProgress(wish.isJson);
  if (wish.command === "check") {
    const report = await check(target, progress);
    const isAllSound = isSound(report);
    return { json: { ...report, isSound: isAllSound }, lines: checkLines(report), isRefused: !isAllSound };
  }
  if (wish.command === "init") return outcomeOf(await init(target, wish.partitionCount), initLines);
  if (wish.command === "import") return outcomeOf(await importJournals(target, wish.dataDir, progress), importLines);
  return outcomeOf(await restore(target, progress), restoreLines);
}

function outcomeOf<T extends { kind: string }>(result: T, linesOf: (result: T) => string[]): Outcome {
  return { json: result, lines: linesOf(result), isRefused: result.kind === "refused" };
}

async function main(): Promise<void> {
  try {
    const wish = readCommandLine(process.argv.slice(2), process.env);
    if (wish === "help") process.stdout.write(USAGE);
    else {
      const { json, lines, isRefused } = await carryOut(wish);
      for (const line of wish.isJson ? [JSON.stringify(json)] : lines) process.stdout.write(`${line}\n`);
      if (isRefused) process.exitCode = EXIT_REFUSED;
    }
  } catch (error) {
    process.stderr.write(`${errorLine(error)}\n`);
    process.exitCode = EXIT_FAILED;
  }
}

void main();
