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
    const print = (line: string): unknown => process.stdout.write(`${line}\n`);
    if (wish === "help") process.stdout.write(USAGE);
    else if (wish.command === "set-clock") await setClock(wish, print);
    else if (wish.command === "repair") {
      if (!(await repair(wish, print))) process.exitCode = EXIT_REFUSED;
    } else {
      const allStart = await examine(wish, print);
      if (wish.command === "verify" && !allStart) process.exitCode = EXIT_REFUSED;
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

void main();
