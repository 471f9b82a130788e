import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What one container of the contest may use. */
export type Limit = {
  readonly cpus: number;
  readonly memoryBytes: number;
};

export type LimitUsage = {
  /** Memory at its highest, as the kernel charges it: caches and socket buffers too. */
  readonly memoryPeakBytes: number;
  /** Times the memory limit was hit. */
  readonly memoryFailCount: number;
  /** Periods of 100 ms in which the CPU was used up before their end, and for how long everything then stood still. */
  readonly throttledCount: number;
  readonly throttledMs: number;
};

/** CPU time of a group: everybody who is or was in it. */
export type CpuTime = {
  readonly totalMs: number;
  /** How the total splits is sampled by the kernel, once a tick; the total itself is exact where it comes from a cgroup. */
  readonly systemMs: number;
};

/** As Docker has it. */
const PERIOD_US = 100_000;
const MEBIBYTE = 1024 * 1024;
const GROUP_PREFIX = "rinha-contest-";
/** A group can be removed a moment after its last process is gone. */
const REMOVE_TRIES_MAX = 50;
const REMOVE_RETRY_MS = 20;

/** In each hierarchy one; CPU accounting is not everywhere. */
type Folders = readonly [cpu: string, memory: string, ...account: string[]];

export function limitText({ cpus, memoryBytes }: Limit): string {
  return `${cpus} CPU, ${memoryBytes / MEBIBYTE} MB`;
}

/** `0.3:50` is 0.3 CPU and 50 MB. */
export function readLimit(name: string, text: string): Limit {
  const match = /^(\d+(?:\.\d+)?):(\d+)$/.exec(text);
  const limit = { cpus: Number(match?.[1]), memoryBytes: Number(match?.[2]) * MEBIBYTE };
  if (!(limit.cpus >= 0.01 && limit.memoryBytes >= MEBIBYTE)) {
    throw new Error(`${name} must be CPUS:MEGABYTES such as 0.6:150: ${name}=${text}`);
  }
  return limit;
}

/** One cgroup (version 1) for each process, with a limit or without, in the cpu, the memory and, where there is one, the cpuacct hierarchy. */
export class ControlGroups {
  readonly #cpuRoot: string;
  readonly #memoryRoot: string;
  readonly #accountRoot: string;
  readonly #names = new Set<string>();

  /** `root` is where the kernel shows its cgroups. */
  constructor(root = "/sys/fs/cgroup") {
    this.#cpuRoot = join(root, "cpu");
    this.#memoryRoot = join(root, "memory");
    this.#accountRoot = join(root, "cpuacct");
  }

  /** Why there can be no limits here, or `undefined` if there can. */
  whyNot(): string | undefined {
    if (!existsSync(join(this.#cpuRoot, "cpu.cfs_quota_us"))) return "no cgroup v1 with a cpu controller";
    if (!existsSync(join(this.#memoryRoot, "memory.limit_in_bytes"))) return "no cgroup v1 with a memory controller";
    try {
      this.#removeLeftovers();
      this.create("probe", { cpus: 1, memoryBytes: MEBIBYTE });
      for (const folder of this.#foldersOf("probe")) rmdirSync(folder);
      this.#names.delete("probe");
      return undefined;
    } catch (error) {
      return `cgroups must be writable: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** Without a limit the group only counts. */
  create(name: string, limit: Limit | undefined): void {
    const [cpu, memory] = this.#foldersOf(name);
    this.#names.add(name);
    for (const folder of this.#foldersOf(name)) mkdirSync(folder, { recursive: true });
    if (limit === undefined) return;
    const { cpus, memoryBytes } = limit;
    writeFileSync(join(cpu, "cpu.cfs_period_us"), `${PERIOD_US}`);
    writeFileSync(join(cpu, "cpu.cfs_quota_us"), `${Math.round(cpus * PERIOD_US)}`);
    writeFileSync(join(memory, "memory.limit_in_bytes"), `${memoryBytes}`);
  }

  /**
   * The command, to be run inside the group `name`, which may contain shell variables. The shell enters the group and then
   * becomes the program: moved from outside, the program would by then have memory and children that count for nobody.
   */
  commandInside(name: string, command: readonly string[]): string[] {
    const enter = this.#foldersOf(name).map((folder) => `echo $$ > ${folder}/cgroup.procs`);
    return ["/bin/sh", "-c", `${enter.join(" && ")} && exec "$0" "$@"`, ...command];
  }

  usage(name: string): LimitUsage | undefined {
    if (!this.#names.has(name)) return undefined;
    const [cpu, memory] = this.#foldersOf(name);
    const stat = readFileSync(join(cpu, "cpu.stat"), "utf8");
    const of = (field: string): number => Number(new RegExp(`^${field} (\\d+)`, "m").exec(stat)?.[1] ?? 0);
    return {
      memoryPeakBytes: Number(readFileSync(join(memory, "memory.max_usage_in_bytes"), "utf8")),
      memoryFailCount: Number(readFileSync(join(memory, "memory.failcnt"), "utf8")),
      throttledCount: of("nr_throttled"),
      throttledMs: of("throttled_time") / 1e6,
    };
  }

  /** `undefined` where CPU time is not counted by group. */
  cpuTime(name: string): CpuTime | undefined {
    if (!this.#names.has(name) || !this.#hasAccounts) return undefined;
    const folder = join(this.#accountRoot, this.#groupOf(name));
    const ns = (file: string): number => Number(readFileSync(join(folder, file), "utf8"));
    return { totalMs: ns("cpuacct.usage") / 1e6, systemMs: ns("cpuacct.usage_sys") / 1e6 };
  }

  /** The processes must be gone. */
  async remove(): Promise<void> {
    for (const name of this.#names) {
      for (const folder of this.#foldersOf(name)) await removeGroup(folder);
    }
    this.#names.clear();
  }

  /** Groups of runs that were killed: their processes are gone, so is the run. */
  #removeLeftovers(): void {
    for (const root of this.#roots) {
      for (const entry of readdirSync(root)) {
        const pid = new RegExp(`^${GROUP_PREFIX}(\\d+)-`).exec(entry)?.[1];
        if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
        try {
          rmdirSync(join(root, entry));
        } catch {
          // EBUSY: somebody still lives in it.
        }
      }
    }
  }

  get #hasAccounts(): boolean {
    return existsSync(join(this.#accountRoot, "cpuacct.usage"));
  }

  get #roots(): Folders {
    return this.#hasAccounts ? [this.#cpuRoot, this.#memoryRoot, this.#accountRoot] : [this.#cpuRoot, this.#memoryRoot];
  }

  #groupOf(name: string): string {
    return `${GROUP_PREFIX}${process.pid}-${name}`;
  }

  #foldersOf(name: string): Folders {
    const group = this.#groupOf(name);
    return this.#roots.map((root) => join(root, group)) as unknown as Folders;
  }
}

async function removeGroup(folder: string): Promise<void> {
  for (let tries = 1; existsSync(folder); tries++) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (tries === REMOVE_TRIES_MAX) throw error;
      await sleep(REMOVE_RETRY_MS);
    }
  }
}
