import { fileURLToPath } from "node:url";
import { ChildLife } from "./child-life.ts";
import type { ChildName } from "./plans.ts";
import type { ChildHooks } from "./supervisor.ts";

/** Compiled layout: build/perf/launch/store-init.js. */
const STORE_MAIN = fileURLToPath(new URL("../../bundle/server/store-cli/main.js", import.meta.url));
/** The database may be starting as well, and a schema takes a while. */
const INIT_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 1000;

export type StoreInit = {
  /** With its password: it goes by the environment, which nobody else can read. */
  readonly storeUrl: string;
  /** Stands in for the real command; `init` follows. */
  readonly command: readonly string[] | undefined;
  readonly hooks: ChildHooks<ChildName>;
  readonly timeoutMs?: number;
};

/**
 * Makes the store's schema where it is missing, as `npm run store -- init` does, which says what it did. Rejects with
 * what it says where that fails, and when `signal` is aborted.
 */
export async function initStore(init: StoreInit, signal?: AbortSignal): Promise<void> {
  const { storeUrl, hooks, timeoutMs = INIT_TIMEOUT_MS } = init;
  const [file, ...args] = init.command ?? [process.execPath, STORE_MAIN];
  signal?.throwIfAborted();
  const said: string[] = [];
  const env = { ...process.env, STORE_URL: storeUrl };
  const life = new ChildLife({ file: file!, args: [...args, "init"], cwd: process.cwd(), env }, (stream, line) => {
    if (stream === "stderr") said.push(line);
    else hooks.onLine?.("store-init", stream, line);
  });
  if (life.pid !== undefined) hooks.onSpawn?.("store-init", life.pid);
  const stop = (): void => void life.stop("SIGTERM", STOP_TIMEOUT_MS);
  const timer = setTimeout(stop, timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  const { code, signal: killedBy } = await life.closed;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
  hooks.onExit?.({ name: "store-init", pid: life.pid, code, signal: killedBy, isExpected: true });
  signal?.throwIfAborted();
  if (code === 0) return;
  throw new Error(`the store must be there: code=${code} signal=${killedBy}\n${said.join("\n")}`.trimEnd());
}
