import { errorLine } from "../../server/text/argument-error.ts";
import { type CommandLine, type OptionSpec, readArguments } from "./command-line.ts";

/** How a command ends that could not do what it is for. */
export type Failure = {
  /** Before the error's text. */
  readonly prefix: string;
  readonly exitCode: number;
};

/**
 * What every command's main does around itself: it reads its arguments or prints its help, SIGINT and SIGTERM call it
 * off, and an error is one line.
 */
export async function runCommand<Spec extends OptionSpec, Wish>(
  commandLine: CommandLine<Spec, Wish>,
  run: (wish: Wish, signal: AbortSignal) => Promise<void> | void,
  { prefix, exitCode }: Failure = { prefix: "", exitCode: 1 },
): Promise<void> {
  const calledOff = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => calledOff.abort(new Error(`called off: signal=${name}`)));
  }
  try {
    const wish = readArguments(commandLine, process.argv.slice(2));
    if (wish === "help") process.stdout.write(commandLine.usage);
    else await run(wish, calledOff.signal);
  } catch (error) {
    process.stderr.write(`${prefix}${errorLine(error)}\n`);
    process.exitCode = exitCode;
  }
}

/** Whoever asks for JSON is a program, whatever its standard error is. */
const isWatched = process.stderr.isTTY === true && !process.argv.includes("--json");

/** A line of progress, where a person watches at a terminal. */
export function say(line: string): void {
  if (isWatched) process.stderr.write(`${line}\n`);
}
