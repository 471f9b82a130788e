import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../perf/launch/plans.ts";
import { answersHealth } from "../../perf/launch/readiness.ts";
import { until } from "./until.ts";

/**
 * One instance by itself, whose processors cannot be reached unless `env` says otherwise, on `instance.sock` in the
 * directory. `prefix` is a command that runs the rest of its line, such as prlimit. Resolves when it serves.
 */
export async function startLoneInstance(
  directory: string,
  stdout: "pipe" | "ignore" | number,
  env: Readonly<Record<string, string>>,
  prefix: readonly string[] = [],
  main = INSTANCE_MAIN,
): Promise<{ child: ChildProcess; socketPath: string }> {
  const socketPath = join(directory, "instance.sock");
  const unreachable = "http://127.0.0.1:1";
  const [file = "", ...args] = [...prefix, process.execPath, ...INSTANCE_NODE_FLAGS, main];
  const child = spawn(file, args, {
    stdio: ["ignore", stdout, "inherit"],
    env: {
      LISTEN: `unix:${socketPath}`,
      DATA_DIR: join(directory, "data"),
      CAPACITY: "100000",
      DEFAULT_PROCESSOR_URL: unreachable,
      FALLBACK_PROCESSOR_URL: unreachable,
      ...env,
    },
  });
  await until("the instance serves", () => answersHealth({ socketPath }));
  return { child, socketPath };
}
