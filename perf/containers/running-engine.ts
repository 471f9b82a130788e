import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine, whyTooOld } from "./engine.ts";
import { runTool } from "./tool.ts";

const ASK_TIMEOUT_MS = 10_000;
/** Names that the compose files give things on the whole engine. */
const TAKEN_NETWORKS = "name=^payment-processor$";

/**
 * The engine that `docker` finds on this machine, or why it cannot be used. `folder`: ours, and kept; without it there
 * is a temporary one.
 */
export async function findRunningEngine(folder: string | undefined): Promise<Engine | { missing: string }> {
  const ask = (...args: string[]): Promise<string> => runTool("docker", args, { timeoutMs: ASK_TIMEOUT_MS });
  const host = process.env["DOCKER_HOST"] ?? "unix://";
  // The compose files mount files of this folder, which an engine elsewhere does not have.
  if (!host.startsWith("unix://"))
    return { missing: `the running engine must be on this machine: DOCKER_HOST=${host}` };
  let version: string;
  try {
    version = (await ask("version", "--format", "{{.Server.Version}}")).trim();
    await ask("compose", "version");
  } catch {
    return { missing: "no Docker engine is running, or its compose command is missing" };
  }
  const old = whyTooOld(version);
  if (old !== undefined) return { missing: old };
  if ((await ask("network", "ls", "--quiet", "--filter", TAKEN_NETWORKS)).trim() !== "") {
    return {
      missing: "the running engine must not have our network yet: network=payment-processor (docker network rm)",
    };
  }
  const own = folder ?? mkdtempSync(join(tmpdir(), "rinha-containers-"));
  return new Engine({
    version,
    origin: "was running",
    address: "127.0.0.1",
    folder: own,
    entry: [],
    isOurs: false,
    env: process.env,
    async end() {
      if (folder === undefined) rmSync(own, { recursive: true, force: true });
    },
  });
}
