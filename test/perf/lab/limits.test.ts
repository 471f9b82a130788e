import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openCgroupV1 } from "../../../perf/lab/limits/cgroup-v1.ts";
import { chooseGroups } from "../../../perf/lab/limits/choose-groups.ts";
import { CpuMeter } from "../../../perf/lab/limits/cpu-meter.ts";
import { limitText, readLimit } from "../../../perf/lab/limits/limit.ts";
import { readUsage, readUsageOfTree } from "../../../perf/lab/limits/process-usage.ts";

const KERNEL_ROOT = "/sys/fs/cgroup";

describe("limits", () => {
  it("are read as CPUs and megabytes", () => {
    expect(readLimit("nginx-limit", "0.3:50")).to.deep.equal({ cpus: 0.3, memoryBytes: 50 * 1024 * 1024 });
    expect(limitText(readLimit("x", "1:150"))).to.equal("1 CPU, 150 MB");
    for (const wrong of ["0.3", "0.3:0", "0:50", "a:b", "0.3:50MB", ""]) {
      expect(() => readLimit("x", wrong)).to.throw(`x must be CPUS:MEGABYTES such as 0.6:150: x=${wrong}`);
    }
  });

  it("are by the means that work here, or every means says why it does not", async () => {
    const chosen = await chooseGroups();
    if (typeof chosen === "string") expect(chosen.split("; ")).to.have.length(3);
    else expect(chosen.means).to.be.oneOf(["cgroup v1", "cgroup v2", "systemd-run", "systemd-run --user"]);
  });
});

describe("groups of cgroup v1", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "rinha-cgroups-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Removes files as well, as the kernel does. */
  const calls = {
    make: (folder: string) => void mkdirSync(folder, { recursive: true }),
    remove: (folder: string) => rmSync(folder, { recursive: true }),
  };

  function offer(controller: string, file: string): void {
    mkdirSync(join(root, controller));
    writeFileSync(join(root, controller, file), "");
  }

  it("are not there where the kernel does not offer them, which is said", async () => {
    expect(await openCgroupV1(root)).to.equal("no cgroup v1 with a cpu controller");
    offer("cpu", "cpu.cfs_quota_us");
    expect(await openCgroupV1(root)).to.equal("no cgroup v1 with a memory controller");
  });

  it("carry the limits, and are groups of this run", async () => {
    offer("cpu", "cpu.cfs_quota_us");
    offer("memory", "memory.limit_in_bytes");
    // Of a run that was killed: no process has so high a number.
    mkdirSync(join(root, "cpu", `rinha-lab-${2 ** 23}-nginx`));
    const groups = await openCgroupV1(root, calls);
    if (typeof groups === "string") throw new Error(groups);
    groups.create("nginx", readLimit("x", "0.3:50"));
    const group = `rinha-lab-${process.pid}-nginx`;
    expect(readdirSync(join(root, "cpu"))).to.have.members(["cpu.cfs_quota_us", group]);
    const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");
    expect(read("cpu", group, "cpu.cfs_quota_us")).to.equal("30000");
    expect(read("cpu", group, "cpu.cfs_period_us")).to.equal("100000");
    expect(read("memory", group, "memory.limit_in_bytes")).to.equal(`${50 * 1024 * 1024}`);
    expect(groups.usage("instance-1")).to.equal(undefined);
  });

  it("hold a program from its first moment, slow it down, and are gone afterwards", async function () {
    const groups = await openCgroupV1(KERNEL_ROOT);
    if (typeof groups === "string") this.skip();
    groups.create("test-1", readLimit("x", "0.1:40"));
    const limit = readLimit("x", "0.1:40");
    const enter = (...command: string[]): string => {
      const [file, ...args] = groups.commandInside("test-$NUMBER", limit, command);
      return execFileSync(file!, args, { env: { ...process.env, NUMBER: "1" }, encoding: "utf8" });
    };
    const said = enter("/bin/cat", "/proc/self/cgroup");
    const group = `rinha-lab-${process.pid}-test-1`;
    expect(said).to.match(new RegExp(`:cpu[^:]*:/${group}$`, "m"));
    expect(said).to.match(new RegExp(`:memory:/.*${group}$`, "m"));
    // More than a period's share of CPU, so that it is held up.
    enter(process.execPath, "-e", "for (const end = Date.now() + 400; Date.now() < end; );");
    const usage = groups.usage("test-1")!;
    expect(usage.memoryPeakBytes).to.be.greaterThan(0);
    expect(usage.throttledCount).to.be.greaterThan(0);
    expect(usage.throttledMs).to.be.greaterThan(0);
    if (usage.cpu !== undefined) expect(usage.cpu.totalMs).to.be.within(10, 1000);
    await groups.remove();
    expect(existsSync(`${KERNEL_ROOT}/cpu/${group}`)).to.equal(false);
    expect(existsSync(`${KERNEL_ROOT}/memory/${group}`)).to.equal(false);
  });
});

describe("process usage", () => {
  it("tells CPU time and memory of a process group", function () {
    if (!existsSync("/proc/self/stat")) this.skip();
    const group = Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ")[2]);
    const meter = new CpuMeter();
    const before = readUsage(group)!;
    for (const untilMs = performance.now() + 300; performance.now() < untilMs; );
    const after = readUsage(group)!;
    const { generatorCpuSeconds, machineCpu } = meter.end();
    expect(after.cpuSeconds - before.cpuSeconds).to.be.greaterThan(0.05);
    expect(generatorCpuSeconds).to.be.greaterThan(0.05);
    expect(machineCpu?.busySeconds).to.be.greaterThan(0.05);
    expect(after.rssPeakBytes).to.be.greaterThan(10 * 1024 * 1024);
  });

  it("tells those of a process with its descendants, whatever group they are in", async function () {
    if (!existsSync("/proc/self/stat")) this.skip();
    const script = `
      const grandchild = ["-e", "setTimeout(() => {}, 20000)"];
      require("node:child_process").spawn(process.execPath, grandchild, { detached: true, stdio: "inherit" }).unref();
      console.log("up");
      setTimeout(() => {}, 20000);`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      await once(child.stdout!, "data");
      const alone = readUsage(child.pid!)?.rssPeakBytes ?? 0;
      const tree = readUsageOfTree(child.pid!)!.rssPeakBytes;
      expect(tree).to.be.greaterThan(alone + 1024 * 1024);
    } finally {
      for (const pid of descendantsOf(child.pid!)) process.kill(pid, "SIGKILL");
      child.kill("SIGKILL");
      await once(child, "close");
    }
  });

  it("tells what descendants took that have died", async function () {
    if (!existsSync("/proc/self/stat")) this.skip();
    const script = `
      const busy = "for (const untilMs = performance.now() + 300; performance.now() < untilMs; );";
      process.stdin.once("data", () => {
        require("node:child_process").spawnSync(process.execPath, ["-e", busy]);
        console.log("died");
      });
      console.log("up");`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"] });
    try {
      await once(child.stdout!, "data");
      const before = readUsageOfTree(child.pid!)!.cpuSeconds;
      child.stdin!.write("go");
      await once(child.stdout!, "data");
      expect(readUsageOfTree(child.pid!)!.cpuSeconds - before).to.be.greaterThan(0.05);
    } finally {
      child.kill("SIGKILL");
      await once(child, "close");
    }
  });

  it("tells nothing of a group or a process that is not there", () => {
    expect(readUsage(2 ** 22 + 1)).to.equal(undefined);
    expect(readUsageOfTree(2 ** 22 + 1)).to.equal(undefined);
  });
});

function descendantsOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
