import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../perf/launch/plans.ts";
import { answersHealth } from "../../perf/launch/readiness.ts";
import { Caller } from "./caller.ts";
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

/**
 * What is done in the life of a lone instance that logs nothing: from when it carries all partitions, for which the
 * lease of a killed one may have to lapse, to `kill -9`.
 */
export async function duringLife<T>(
  directory: string,
  env: Readonly<Record<string, string>>,
  body: (caller: Caller) => Promise<T>,
): Promise<T> {
  const { child, socketPath } = await startLoneInstance(directory, "ignore", { LOG_LEVEL: "silent", ...env });
  const caller = new Caller({ socketPath });
  try {
    await until("all partitions are carried", async () => (await caller.get("/payments-summary")).status === 200);
    return await body(caller);
  } finally {
    caller.close();
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}
