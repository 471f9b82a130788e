import { errorLine } from "../../text/argument-error.ts";
import { watchedProgress } from "../../text/progress.ts";
import { type CommandLine, readCommandLine, USAGE } from "./command-line.ts";
import { Instance } from "./instance.ts";
import { list } from "./list.ts";
import { PATIENCE_MS, type SettleResult, settle } from "./settle.ts";

const EXIT_ATTENTION = 1;
const EXIT_FAILED = 2;

type Settled = Extract<SettleResult, { kind: "settled" }>;

async function runList(instances: readonly Instance[], isJson: boolean): Promise<void> {
  const { lines, problems, stuckCount } = await list(instances, isJson);
  for (const line of lines) process.stdout.write(`${line}\n`);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = EXIT_FAILED;
  else if (stuckCount > 0) process.exitCode = EXIT_ATTENTION;
}

async function runSettle(instances: readonly Instance[], wish: CommandLine & { command: "settle" }): Promise<void> {
  const result = await settle(instances, wish, PATIENCE_MS, watchedProgress(wish.isJson));
  if (result.kind === "settled") {
    process.stdout.write(`${wish.isJson ? JSON.stringify({ at: result.at, ...result.payment }) : sentence(result)}\n`);
    return;
  }
  process.stderr.write(`${result.reason}\n`);
  process.exitCode = result.kind === "refused" ? EXIT_ATTENTION : EXIT_FAILED;
}

/** What the word did. */
function sentence({ payment }: Settled): string {
  const { correlationId, state, processor, requestedAt } = payment;
  if (state === "processed") return `${correlationId} is processed: counted at ${processor} at ${requestedAt}`;
  if (state === "failed") return `${correlationId} is failed: it is not sent again, and in no summary`;
  return `${correlationId} is ${state} again: it is sent to the cheapest processor that takes it`;
}

// Whoever reads our output may have seen enough, as `head` does.
process.stdout.on("error", () => process.exit(0));

async function main(): Promise<void> {
  try {
    const wish = readCommandLine(process.argv.slice(2));
    if (wish === "help") process.stdout.write(USAGE);
    else {
      const instances = wish.at.map((address) => new Instance(address));
      if (wish.command === "list") await runList(instances, wish.isJson);
      else await runSettle(instances, wish);
    }
  } catch (error) {
    process.stderr.write(`${errorLine(error)}\n`);
    process.exitCode = EXIT_FAILED;
  }
}

void main();
