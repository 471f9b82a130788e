import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Debian, type Progress, whyNoDebian } from "./debian.ts";
import { Engine } from "./engine.ts";
import { PROJECT } from "./project.ts";
import { runTool } from "./tool.ts";

const SCRIPT = join(PROJECT, "perf/containers/own-engine.sh");
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 200;
/** Inside the engine's file system. HOME is where Docker's command keeps its notes. */
const ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LC_ALL: "C" };

/**
 * A Docker engine of Debian's packages in namespaces of its own, or why there can be none. It ends when it is closed,
 * or with this process, however that ends. `folder`: kept, for the next time; else a temporary one. Its images are
 * kept with it, and nothing else: containers of a run that was killed would start with it, and take the ports.
 */
export async function startOwnEngine(folder: string | undefined, say: Progress): Promise<Engine | { missing: string }> {
  const why = whyNoDebian();
  if (why !== undefined) return { missing: `none can be started here either: ${why}` };
  const own = folder ?? mkdtempSync(join(tmpdir(), "rinha-containers-"));
  const guard = folder === undefined ? new FolderGuard(own) : undefined;
  try {
    await new Debian(own, say).engineRoot();
  } catch (error) {
    await guard?.remove();
    return { missing: `none can be made here either: ${(error as Error).message}` };
  }
  return start(own, guard).then(removeLeftovers, (error: Error) => ({ missing: error.message }));
}

async function start(folder: string, guard: FolderGuard | undefined): Promise<Engine> {
  const network = freeNetwork();
  const script = spawn("/bin/sh", [SCRIPT, folder, PROJECT, network, guard === undefined ? "keep" : "remove"], {
    // Ctrl-C is not for it: its input closes when this process is gone.
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
    cwd: "/",
  });
  script.stdin!.on("error", () => {});
  await guard?.release();
  const end = async (): Promise<void> => {
    const isRunning = script.exitCode === null && script.signalCode === null;
    const ended = isRunning ? once(script, "exit") : undefined;
    script.stdin!.end();
    await ended;
  };
  try {
    const { entry, version } = await ready(script, folder);
    const origin = "started from Debian's packages";
    return new Engine({ version, origin, address: `${network}.2`, folder, entry, env: ENV, isOurs: true, end });
  } catch (error) {
    await end();
    throw error;
  }
}

async function removeLeftovers(engine: Engine): Promise<Engine> {
  const ids = (await engine.docker(["ps", "--all", "--quiet"])).split("\n").filter((id) => id !== "");
  if (ids.length > 0) await engine.docker(["rm", "--force", ...ids]);
  await engine.docker(["network", "prune", "--force"]);
  await engine.docker(["volume", "prune", "--all", "--force"]);
  return engine;
}

async function ready(script: ChildProcess, folder: string): Promise<{ entry: string[]; version: string }> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  const pidFile = join(folder, "pid");
  while (performance.now() < untilMs && script.exitCode === null) {
    await sleep(POLL_MS);
    if (!existsSync(pidFile)) continue;
    const pid = readFileSync(pidFile, "utf8").trim();
    const entry = ["nsenter", `--target=${pid}`, "--mount", "--net", "--pid", "--ipc", "--uts", "--"];
    const asked = ["docker", "version", "--format", "{{.Server.Version}}"];
    const version = await runTool(entry[0]!, [...entry.slice(1), ...asked], { env: ENV }).catch(() => undefined);
    if (version !== undefined) return { entry, version: version.trim().replace(/\+.*/, "") };
  }
  throw new Error(`the Docker engine must start: folder=${folder}\n${why(folder)}`);
}

function why(folder: string): string {
  const said = ["refused", "log"].map((name) => join(folder, name)).filter((file) => existsSync(file));
  return said.map((file) => readFileSync(file, "utf8").split("\n").slice(-15).join("\n")).join("\n");
}

/** Two addresses for this machine and the engine, of those that are set aside for measurements (RFC 2544). */
function freeNetwork(): string {
  const taken = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address));
  const numbers = Array.from({ length: 200 }, (_, i) => ((process.pid + i) % 254) + 1);
  const free = numbers.find((number) => !taken.includes(`198.18.${number}.1`));
  if (free === undefined) throw new Error("a network must be free: networks=198.18.0.0/16");
  return `198.18.${free}`;
}

/** Removes a folder that fills before there is an engine to do that, should this process be killed meanwhile. */
class FolderGuard {
  readonly #shell: ChildProcess;

  constructor(folder: string) {
    this.#shell = spawn("/bin/sh", ["-c", 'read -r _ || rm -rf -- "$0"', folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      cwd: "/",
    });
    this.#shell.stdin!.on("error", () => {});
  }

  /** Somebody else takes care of the folder now. */
  release(): Promise<void> {
    return this.#end("\n");
  }

  remove(): Promise<void> {
    return this.#end("");
  }

  async #end(input: string): Promise<void> {
    const ended = this.#shell.exitCode === null ? once(this.#shell, "exit") : undefined;
    this.#shell.stdin!.end(input);
    await ended;
  }
}
