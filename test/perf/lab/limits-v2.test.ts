import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openCgroupV2, readV2Usage } from "../../../perf/lab/limits/cgroup-v2.ts";
import type { FolderCalls } from "../../../perf/lab/limits/cgroups.ts";
import { readLimit } from "../../../perf/lab/limits/limit.ts";
import type { ProcessGroups } from "../../../perf/lab/limits/process-groups.ts";

/** Where version 2 is mounted beside version 1, without controllers of CPU and memory, or alone. */
const KERNEL_ROOTS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/** As Linux 6 shows them. */
const CPU_STAT = `usage_usec 2500000
user_usec 1500000
system_usec 1000000
core_sched.force_idle_usec 0
nr_periods 40
nr_throttled 7
throttled_usec 123000
nr_bursts 0
burst_usec 0
`;
const MEMORY_EVENTS = "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n";

describe("groups of cgroup v2", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "rinha-cgroups-"));
    writeFileSync(join(root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
    writeFileSync(join(root, "cgroup.subtree_control"), "cpu memory pids\n");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Plays the kernel: a new group has its files, which go with it. */
  const calls: FolderCalls = {
    make(folder) {
      mkdirSync(folder);
      const files = { "cpu.max": "max 100000\n", "memory.max": "max\n", "cpu.stat": CPU_STAT, "cgroup.procs": "" };
      const more = { "memory.events": MEMORY_EVENTS, "memory.peak": "73400320\n", "cgroup.subtree_control": "\n" };
      for (const [name, text] of Object.entries({ ...files, ...more })) writeFileSync(join(folder, name), text);
    },
    remove: (folder) => rmSync(folder, { recursive: true }),
  };

  async function open(ownPath = "/", withCalls = calls): Promise<ProcessGroups> {
    const groups = await openCgroupV2(root, ownPath, withCalls);
    if (typeof groups === "string") throw new Error(groups);
    return groups;
  }

  it("carry the limits in the kernel's format, and are groups of this run", async () => {
    mkdirSync(join(root, `rinha-lab-${2 ** 23}-nginx`));
    const groups = await open();
    groups.create("nginx", readLimit("x", "0.3:50"));
    groups.create("instance-1", undefined);
    const group = (name: string): string => `rinha-lab-${process.pid}-${name}`;
    expect(readdirSync(root).filter((name) => name.startsWith("rinha-"))).to.have.members([
      group("nginx"),
      group("instance-1"),
    ]);
    const read = (name: string, file: string): string => readFileSync(join(root, group(name), file), "utf8");
    expect(read("nginx", "cpu.max")).to.equal("30000 100000");
    expect(read("nginx", "memory.max")).to.equal(`${50 * 1024 * 1024}`);
    expect(read("instance-1", "cpu.max")).to.equal("max 100000\n");
  });

  it("are entered before the program begins", async () => {
    const groups = await open();
    groups.create("instance-2", undefined);
    const [file, ...args] = groups.commandInside("instance-$INSTANCE", undefined, ["/bin/sh", "-c", "echo $$"]);
    const pid = execFileSync(file!, args, { env: { ...process.env, INSTANCE: "2" }, encoding: "utf8" });
    expect(readFileSync(join(root, `rinha-lab-${process.pid}-instance-2`, "cgroup.procs"), "utf8")).to.equal(pid);
  });

  it("tell what was used", async () => {
    const groups = await open();
    groups.create("nginx", readLimit("x", "0.3:50"));
    expect(groups.usage("nginx")).to.deep.equal({
      cpu: { totalMs: 2500, systemMs: 1000 },
      memoryPeakBytes: 73_400_320,
      memoryFailCount: 3,
      periodCount: 40,
      throttledCount: 7,
      throttledMs: 123,
    });
    // Linux before 5.19 keeps no peak.
    rmSync(join(root, `rinha-lab-${process.pid}-nginx`, "memory.peak"));
    expect(groups.usage("nginx")).to.deep.include({ memoryPeakBytes: undefined, throttledCount: 7 });
    expect(groups.usage("instance-1")).to.equal(undefined);
  });

  it("are gone afterwards", async () => {
    const groups = await open();
    groups.create("nginx", undefined);
    await groups.remove();
    expect(readdirSync(root)).to.have.members(["cgroup.controllers", "cgroup.subtree_control"]);
  });

  it("are made below the first group, from the top, that lets us", async () => {
    const own = join(root, "user.slice", "app.slice");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(root, "user.slice", "cgroup.subtree_control"), "memory pids\n");
    writeFileSync(join(own, "cgroup.subtree_control"), "cpu memory\n");
    const refusing: FolderCalls = {
      ...calls,
      make(folder) {
        if (join(folder, "..") === root) throw new Error("EACCES: permission denied");
        calls.make(folder);
      },
    };
    (await open("/user.slice/app.slice", refusing)).create("nginx", undefined);
    expect(readdirSync(own)).to.include(`rinha-lab-${process.pid}-nginx`);
    // Asked for, as the kernel wants it; this one does not do it.
    expect(readFileSync(join(root, "user.slice", "cgroup.subtree_control"), "utf8")).to.equal("+cpu");
  });

  it("are not there where they cannot be made, which is said", async () => {
    const refusing = {
      ...calls,
      make() {
        throw new Error("EROFS: read-only file system");
      },
    };
    expect(await openCgroupV2(root, "/", refusing)).to.equal(
      "cgroups v2 must be writable: EROFS: read-only file system",
    );
    rmSync(join(root, "cgroup.controllers"));
    expect(await openCgroupV2(root, "/", calls)).to.equal("no cgroup v2");
  });

  it("count CPU time as this kernel tells it", function () {
    const kernelRoot = KERNEL_ROOTS.find((path) => existsSync(join(path, "cgroup.controllers")));
    if (kernelRoot === undefined) this.skip();
    const group = join(kernelRoot, `rinha-lab-${process.pid}-v2-test`);
    try {
      mkdirSync(group);
    } catch {
      this.skip();
    }
    try {
      const busy = `${process.execPath} -e "for (const end = Date.now() + 300; Date.now() < end; );"`;
      execFileSync("/bin/sh", ["-c", `echo $$ > ${group}/cgroup.procs && ${busy}`]);
      const { cpu, throttledCount } = readV2Usage(group);
      expect(cpu!.totalMs).to.be.within(50, 10_000);
      expect(cpu!.systemMs).to.be.within(0, cpu!.totalMs);
      expect(throttledCount).to.equal(0);
    } finally {
      execFileSync("/bin/sh", ["-c", `for i in 1 2 3 4 5; do rmdir ${group} && exit 0; sleep 0.1; done; exit 1`]);
    }
  });
});
