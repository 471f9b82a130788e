import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Progress } from "./debian.ts";
import type { Engine } from "./engine.ts";
import { startOwnEngine } from "./own-engine.ts";
import { findRunningEngine } from "./running-engine.ts";

/** Where everything that was downloaded and built stays for the next time. Without it nothing is kept. */
export const FOLDER_VARIABLE = "CONTAINERS_FOLDER";

/** The engine that runs on this machine, else one of our own, else why there is none. */
export async function openEngine(say: Progress): Promise<Engine | { missing: string }> {
  const folder = keptFolder();
  const running = await findRunningEngine(folder);
  if (!("missing" in running)) return running;
  say(running.missing);
  const own = await startOwnEngine(folder, say);
  return "missing" in own ? { missing: `${running.missing}; ${own.missing}` } : own;
}

/** Likewise; rejects where there is none. */
export async function requireEngine(say: Progress): Promise<Engine> {
  const engine = await openEngine(say);
  if ("missing" in engine) throw new Error(`a Docker engine must be there: ${engine.missing}`);
  say(engine.text);
  return engine;
}

function keptFolder(): string | undefined {
  const text = process.env[FOLDER_VARIABLE];
  if (text === undefined || text === "") return undefined;
  const folder = resolve(text);
  mkdirSync(folder, { recursive: true });
  return folder;
}
