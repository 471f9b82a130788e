import { errorLine } from "../text/argument-error.ts";
import { watchedProgress } from "../text/progress.ts";
import { readCommandLine, USAGE } from "./command-line.ts";
import { examine } from "./inspector.ts";
import { repair } from "./repair/repair.ts";
import { setClock } from "./set-clock.ts";

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;

// Whoever reads our output may have seen enough, as `head` does.
process.stdout.on("error", () => process.exit(0));

async function main(): Promise<void> {
  try {
    const wish = readCommandLine(process.argv.slice(2), process.env);
    const progress = watchedProgress(wish !== "help" && wish.isJson);
    const print = (line: string): unknown => process.stdout.write(`${line}\n`);
    if (wish === "help") process.stdout.write(USAGE);
    else if (wish.command === "set-clock") await setClock(wish, print);
    else if (wish.command === "repair") {
      if (!(await repair(wish, print, progress))) process.exitCode = EXIT_REFUSED;
    } else {
      const allStart = await examine(wish, print, progress);
      if (wish.command === "verify" && !allStart) process.exitCode = EXIT_REFUSED;
    }
  } catch (error) {
    process.stderr.write(`${errorLine(error)}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

void main();
