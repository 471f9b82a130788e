import { readFileSync } from "node:fs";
import { CgroupV1 } from "./cgroup-v1.ts";
import { CgroupV2 } from "./cgroup-v2.ts";
import type { ProcessGroups } from "./process-groups.ts";
import { SystemdScopes } from "./systemd-scopes.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/** The first means that works here: cgroups of either version, else systemd. A text: why none does. */
export function chooseGroups(): ProcessGroups | string {
  const reasons: string[] = [];
  for (const open of MEANS) {
    const opened = open();
    if (typeof opened !== "string") return opened;
    reasons.push(opened);
  }
  return reasons.join("; ");
}

const MEANS: readonly (() => ProcessGroups | string)[] = [
  () => CgroupV1.open(CGROUP_ROOT),
  () => CgroupV2.open(CGROUP_ROOT, ownV2Path()),
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
