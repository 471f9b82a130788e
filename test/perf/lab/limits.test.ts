import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { CpuMeter } from "../../../perf/lab/contest/environment.ts";
import { ControlGroups, limitText, readLimit } from "../../../perf/lab/limits/cgroups.ts";
import { readUsage } from "../../../perf/lab/limits/process-usage.ts";

describe("contest limits", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "rinha-cgroups-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("are read as CPUs and megabytes", () => {
    expect(readLimit("nginx-limit", "0.3:50")).to.deep.equal({ cpus: 0.3, memoryBytes: 50 * 1024 * 1024 });
    expect(limitText(readLimit("x", "1:150"))).to.equal("1 CPU, 150 MB");
    for (const wrong of ["0.3", "0.3:0", "0:50", "a:b", "0.3:50MB", ""]) {
      expect(() => readLimit("x", wrong)).to.throw(`x must be CPUS:MEGABYTES such as 0.6:150: x=${wrong}`);
    }
  });

  it("are not applied where there are no such groups, which is said", () => {
    expect(new ControlGroups(root).whyNot()).to.equal("no cgroup v1 with a cpu controller");
    mkdirSync(join(root, "cpu"));
    writeFileSync(join(root, "cpu", "cpu.cfs_quota_us"), "-1");
    expect(new ControlGroups(root).whyNot()).to.equal("no cgroup v1 with a memory controller");
  });

  it("are written into groups of this run", () => {
    const groups = new ControlGroups(root);
    groups.create("nginx", readLimit("x", "0.3:50"));
    const [group] = readdirSync(join(root, "cpu"));
    expect(group).to.equal(`rinha-contest-${process.pid}-nginx`);
    const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");
    expect(read("cpu", group!, "cpu.cfs_quota_us")).to.equal("30000");
    expect(read("cpu", group!, "cpu.cfs_period_us")).to.equal("100000");
    expect(read("memory", group!, "memory.limit_in_bytes")).to.equal(`${50 * 1024 * 1024}`);
  });

  it("hold a program from its first moment, and are gone afterwards", async function () {
    const groups = new ControlGroups();
    if (groups.whyNot() !== undefined) this.skip();
    groups.create("test-1", readLimit("x", "0.5:40"));
    const [file, ...args] = groups.commandInside("test-$NUMBER", ["/bin/cat", "/proc/self/cgroup"]);
    const said = execFileSync(file!, args, { env: { NUMBER: "1" }, encoding: "utf8" });
    const group = `rinha-contest-${process.pid}-test-1`;
    expect(said).to.match(new RegExp(`:cpu[^:]*:/${group}$`, "m"));
    expect(said).to.match(new RegExp(`:memory:/.*${group}$`, "m"));
    expect(groups.usage("test-1")?.memoryPeakBytes).to.be.greaterThan(0);
    await groups.remove();
    expect(existsSync(`/sys/fs/cgroup/cpu/${group}`)).to.equal(false);
    expect(existsSync(`/sys/fs/cgroup/memory/${group}`)).to.equal(false);
  });
});

describe("contest process usage", () => {
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

  it("tells nothing of a group that is not there", () => {
    expect(readUsage(2 ** 22 + 1)).to.equal(undefined);
  });
});
