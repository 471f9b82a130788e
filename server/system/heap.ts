import { setFlagsFromString } from "node:v8";

/** What V8 is asked for once the start is over: nothing is faster for a larger heap, and the memory is limited. */
const FLAGS: readonly string[] = [
  // Collects before the heap grows by much.
  "--optimize-for-size",
  // The young generation stays as small as the start has left it.
  "--semi-space-growth-factor=1",
];

/**
 * Keeps V8's heap small from now on. Not by options of the command line: with any of them Node.js 20 refuses the
 * compiled code that it brings of its own modules, and compiles them anew in every thread; Node.js 24 with the first.
 */
export function keepHeapSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
