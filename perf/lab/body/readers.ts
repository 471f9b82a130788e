import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";

/** Both readers in one round, for each body. */
export type Readers = {
  readonly plainNs: number;
  readonly jsonNs: number;
  /** By which the JavaScript heap grew. */
  readonly plainBytes: number;
  readonly jsonBytes: number;
};

const READERS_MAIN = fileURLToPath(new URL("./readers-main.js", import.meta.url));

/** In a process of its own, with the flags that an instance has. */
export async function measureReaders(bodyCount: number, signal: AbortSignal): Promise<Readers> {
  const args = [...INSTANCE_NODE_FLAGS, READERS_MAIN, `${bodyCount}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal });
  return JSON.parse(stdout) as Readers;
}
