/**
 * What every measurement's main does around itself: SIGINT and SIGTERM call it off, what it started is ended, and an error is one line.
 */
export async function runCommand(measure: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const calledOff = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => calledOff.abort(new Error(`called off: signal=${name}`)));
  }
  try {
    await measure(calledOff.signal);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** A line of progress. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
