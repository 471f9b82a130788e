import { readCommandLine, USAGE } from "./command-line.ts";
import { examine } from "./inspector.ts";
import { repair } from "./repair/repair.ts";

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;

// Whoever reads our output may have seen enough, as `head` does.
process.stdout.on("error", () => process.exit(0));

try {
  const wish = readCommandLine(process.argv.slice(2), process.env);
  if (wish === "help") process.stdout.write(USAGE);
  else if (wish.command === "repair") {
    const areAllVouchedFor = await repair(wish, (line) => process.stdout.write(`${line}\n`));
    if (!areAllVouchedFor) process.exitCode = EXIT_REFUSED;
  } else {
    const allStart = await examine(wish, (line) => process.stdout.write(`${line}\n`));
    if (wish.command === "verify" && !allStart) process.exitCode = EXIT_REFUSED;
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = EXIT_USAGE;
}
