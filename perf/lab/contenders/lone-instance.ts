import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import { Child } from "./child.ts";

/** Nobody listens on TCP port 1: the processors are down, so that accepting is all there is to do. */
const NOBODY_URL = "http://127.0.0.1:1";

/**
 * An instance without balancer and peers, on this TCP port of 127.0.0.1, that says nothing in a log. Its processors are
 * down unless `settings` names others.
 */
export function startLoneInstance(
  port: number,
  dataDir: string,
  settings: Readonly<Record<string, string>>,
  main = INSTANCE_MAIN,
): Promise<Child> {
  const env = {
    ...process.env,
    LISTEN: `tcp:127.0.0.1:${port}`,
    DATA_DIR: dataDir,
    // Whatever the caller's environment says of them.
    PROCESSORS: "",
    DEFAULT_PROCESSOR_URL: NOBODY_URL,
    FALLBACK_PROCESSOR_URL: NOBODY_URL,
    LOG_LEVEL: "silent",
    CAPACITY: String(2 ** 24),
    ...settings,
  };
  return Child.listening([...INSTANCE_NODE_FLAGS, main], port, env);
}
