import { readCommandLine, usage } from "./command-line.ts";
import { startProcessor } from "./processor.ts";

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === "help") {
    process.stdout.write(usage);
    return;
  }
  const { name, options } = commandLine;
  const processor = await startProcessor(options);
  process.stdout.write(`processor ${name} listening: url=${processor.url} fee=${options.fee}\n`);
  const stop = (): void => {
    processor.close();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
