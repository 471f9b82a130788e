import { Log } from "../../server/log.ts";
import type { LogOutput } from "../../server/log-output.ts";

/** A log into memory. */
export function logOf(level = "info"): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const output = {
    write: (line: string) => lines.push(line),
    flushSync() {},
    close() {},
    onFlowing() {},
    droppedCount: 0,
  };
  return { log: new Log(level, 0, output as unknown as LogOutput), lines };
}
