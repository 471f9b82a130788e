import { readFileSync } from "node:fs";
import { openCgroupV1 } from "./cgroup-v1.ts";
import { openCgroupV2 } from "./cgroup-v2.ts";
import type { ProcessGroups } from "./process-groups.ts";
import { SystemdScopes } from "./systemd-scopes.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/** The first means that works here: cgroups of either version, else systemd. A text: why none does. */
export async function chooseGroups(): Promise<ProcessGroups | string> {
  const reasons: string[] = [];
  for (const open of MEANS) {
    const opened = await open();
    if (typeof opened !== "string") return opened;
    reasons.push(opened);
  }
  return reasons.join("; ");
}

const MEANS: readonly (() => ProcessGroups | string | Promise<ProcessGroups | string>)[] = [
  () => openCgroupV1(CGROUP_ROOT),
  () => openCgroupV2(CGROUP_ROOT, ownV2Path()),
  () =>
    SystemdScopes.open({
      cgroupRoot: CGROUP_ROOT,
      runDir: "/run/systemd/system",
      isRoot: process.getuid?.() === 0,
    }),
];

function ownV2Path(): string {
  try {
    return /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
  } catch {
    return "/";
  }
}
