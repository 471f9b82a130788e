import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What one container of the contest may use. */
export interface Limit {
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface LimitUsage {
  /** Memory at its highest, as the kernel charges it: caches and socket buffers too. */
  readonly memoryPeakBytes: number;
  /** Times the memory limit was hit. */
  readonly memoryFailCount: number;
  /** Periods of 100 ms in which the CPU was used up before their end, and for how long everything then stood still. */
  readonly throttledCount: number;
  readonly throttledMs: number;
}

/** As Docker has it. */
const periodUs = 100_000;
const mebibyte = 1024 * 1024;
const groupPrefix = "rinha-contest-";
/** A group can be removed a moment after its last process is gone. */
const removeTriesMax = 50;
const removeRetryMs = 20;

export function limitText({ cpus, memoryBytes }: Limit): string {
  return `${cpus} CPU, ${memoryBytes / mebibyte} MB`;
}

/** `0.3:50` is 0.3 CPU and 50 MB. */
export function readLimit(name: string, text: string): Limit {
  const match = /^(\d+(?:\.\d+)?):(\d+)$/.exec(text);
  const limit = { cpus: Number(match?.[1]), memoryBytes: Number(match?.[2]) * mebibyte };
  if (!(limit.cpus >= 0.01 && limit.memoryBytes >= mebibyte)) {
    throw new Error(`${name} must be CPUS:MEGABYTES such as 0.6:150: ${name}=${text}`);
  }
  return limit;
}

/** One cgroup (version 1) for each process that has a limit, in the cpu and in the memory hierarchy. */
export class ControlGroups {
  readonly #cpuRoot: string;
  readonly #memoryRoot: string;
  readonly #names = new Set<string>();

  /** `root` is where the kernel shows its cgroups. */
  constructor(root = "/sys/fs/cgroup") {
    this.#cpuRoot = join(root, "cpu");
    this.#memoryRoot = join(root, "memory");
  }

  /** Why there can be no limits here, or `undefined` if there can. */
  whyNot(): string | undefined {
    if (!existsSync(join(this.#cpuRoot, "cpu.cfs_quota_us"))) return "no cgroup v1 with a cpu controller";
    if (!existsSync(join(this.#memoryRoot, "memory.limit_in_bytes"))) return "no cgroup v1 with a memory controller";
    try {
      this.#removeLeftovers();
      this.create("probe", { cpus: 1, memoryBytes: mebibyte });
      for (const folder of this.#foldersOf("probe")) rmdirSync(folder);
      this.#names.delete("probe");
      return undefined;
    } catch (error) {
      return `cgroups must be writable: ${error instanceof Error ? error.message : error}`;
    }
  }

  create(name: string, { cpus, memoryBytes }: Limit): void {
    const [cpu, memory] = this.#foldersOf(name);
    this.#names.add(name);
    mkdirSync(cpu, { recursive: true });
    mkdirSync(memory, { recursive: true });
    writeFileSync(join(cpu, "cpu.cfs_period_us"), `${periodUs}`);
    writeFileSync(join(cpu, "cpu.cfs_quota_us"), `${Math.round(cpus * periodUs)}`);
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

  /** The processes must be gone. */
  async remove(): Promise<void> {
    for (const name of this.#names) {
      for (const folder of this.#foldersOf(name)) await removeGroup(folder);
    }
    this.#names.clear();
  }

  /** Groups of runs that were killed: their processes are gone, so is the run. */
  #removeLeftovers(): void {
    for (const root of [this.#cpuRoot, this.#memoryRoot]) {
      for (const entry of readdirSync(root)) {
        const pid = new RegExp(`^${groupPrefix}(\\d+)-`).exec(entry)?.[1];
        if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
        try {
          rmdirSync(join(root, entry));
        } catch {
          // EBUSY: somebody still lives in it.
        }
      }
    }
  }

  #foldersOf(name: string): [cpu: string, memory: string] {
    const group = `${groupPrefix}${process.pid}-${name}`;
    return [join(this.#cpuRoot, group), join(this.#memoryRoot, group)];
  }
}

async function removeGroup(folder: string): Promise<void> {
  for (let tries = 1; existsSync(folder); tries++) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (tries === removeTriesMax) throw error;
      await sleep(removeRetryMs);
    }
  }
}
