import { check, isSound } from "./check.ts";
import { readCommandLine, USAGE } from "./command-line.ts";
import { init } from "./init.ts";
import { checkLines, initLines } from "./report.ts";

const EXIT_REFUSED = 1;
const EXIT_FAILED = 2;

// Whoever reads our output may have seen enough, as `head` does.
process.stdout.on("error", () => process.exit(0));

function show(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

try {
  const wish = readCommandLine(process.argv.slice(2), process.env);
  if (wish === "help") process.stdout.write(USAGE);
  else if (wish.command === "init") {
    const result = await init(wish.target, wish.partitionCount);
    show(wish.isJson ? [JSON.stringify(result)] : initLines(result));
    if (result.kind === "refused") process.exitCode = EXIT_REFUSED;
  } else {
    const report = await check(wish.target);
    const isAllSound = isSound(report);
    show(wish.isJson ? [JSON.stringify({ ...report, isSound: isAllSound })] : checkLines(report));
    if (!isAllSound) process.exitCode = EXIT_REFUSED;
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = EXIT_FAILED;
}
