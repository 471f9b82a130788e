import { existsSync, readFileSync } from "node:fs";

/** What is left free: garbage, buffers, connections. */
const SHARE_MAX = 0.9;
const CGROUP_V2 = "/sys/fs/cgroup/memory.max";
const CGROUP_V1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
/** Cgroup v1's word for no limit is a number beyond any memory. */
const NO_LIMIT_BYTES = 2 ** 50;

/**
 * The memory that this process may have, by its cgroup (version 1 or 2), and what it has. A cgroup is that of a
 * container: where a process shares one with others, or has a narrower one further down, only the process's own use is
 * known, and the limit read here is what its file says.
 */
export class MemoryRoom {
  readonly #limitBytes: number;
  readonly #bytesPerPayment: number;
  readonly #usedBytes: () => number;

  constructor(limitBytes: number, bytesPerPayment: number, usedBytes: () => number) {
    this.#limitBytes = limitBytes;
    this.#bytesPerPayment = bytesPerPayment;
    this.#usedBytes = usedBytes;
  }

  static ofProcess(bytesPerPayment: number): MemoryRoom {
    return new MemoryRoom(memoryLimitBytes(), bytesPerPayment, () => process.memoryUsage.rss());
  }

  /** Why so many more payments would not fit; undefined when they do. */
  refusalOf(paymentsExpected: number): string | undefined {
    const neededBytes = this.#usedBytes() + paymentsExpected * this.#bytesPerPayment;
    const roomBytes = this.#limitBytes * SHARE_MAX;
    if (neededBytes <= roomBytes) return undefined;
    return (
      "its payments must fit the memory limit: " +
      `payments=${paymentsExpected} neededMb=${megabytes(neededBytes)} limitMb=${megabytes(this.#limitBytes)}`
    );
  }
}

/** Infinity: none. */
export function memoryLimitBytes(files: readonly string[] = [CGROUP_V2, ...ownCgroupFiles(), CGROUP_V1]): number {
  const limits = files.flatMap((file) => (existsSync(file) ? [Number(readFileSync(file, "utf8").trim())] : []));
  const known = limits.filter((limit) => limit > 0 && limit < NO_LIMIT_BYTES);
  return Math.min(Number.POSITIVE_INFINITY, ...known);
}

/** Where the process is further down than the root of what it sees: not in a container of its own. */
function ownCgroupFiles(): string[] {
  const lines = readFileSync("/proc/self/cgroup", "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, controllers, path] = line.split(":");
    if (path === undefined || path === "/") return [];
    if (controllers === "") return [`/sys/fs/cgroup${path}/memory.max`];
    if (controllers!.split(",").includes("memory")) return [`/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`];
    return [];
  });
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
