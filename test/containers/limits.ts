import type { Composition } from "../../perf/containers/composition.ts";

export type LimitsInForce = {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Just now, without the pages of files that could be let go. */
  readonly usedBytes: number;
};

/** Files of control groups, in the second version and in the first. */
const SCRIPT = `cd /sys/fs/cgroup
if [ -e cpu.max ]; then
  cat cpu.max memory.max memory.current; grep -w inactive_file memory.stat
else
  echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us)
  cat memory/memory.limit_in_bytes memory/memory.usage_in_bytes; grep -w total_inactive_file memory/memory.stat
fi`;

/** As the kernel has them for a service's container. */
export async function limitsInForce(composition: Composition, service: string): Promise<LimitsInForce> {
  const lines = (await composition.exec(service, "sh", "-c", SCRIPT)).trim().split("\n");
  const [quota, period] = lines[0]!.split(" ").map(Number);
  const inactiveBytes = Number(lines[3]!.split(" ")[1]);
  return { cpus: quota! / period!, memoryBytes: Number(lines[1]), usedBytes: Number(lines[2]) - inactiveBytes };
}

const BUSY_MS = 3000;

/** CPU time per second of a program in the container that would take a whole CPU if it could. */
export async function shareOfCpu(composition: Composition, service: string): Promise<number> {
  const program = `const end = Date.now() + ${BUSY_MS}; while (Date.now() < end);
    const { user, system } = process.cpuUsage(); console.log((user + system) / 1000 / ${BUSY_MS});`;
  return Number(await composition.exec(service, "node", "-e", program));
}
