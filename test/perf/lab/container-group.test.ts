import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ContainerGroup } from "../../../perf/lab/limits/container-group.ts";

const ID = "0123456789abcdef";

describe("a container's group, seen from outside", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "rinha-groups-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(folder: string, files: Readonly<Record<string, string>>): void {
    mkdirSync(join(root, folder), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, folder, name), text);
  }

  it("is found and read in cgroups of version 1, below the engine's own group", () => {
    write("cpu", { "cpu.cfs_quota_us": "-1" });
    write("cpuacct", { "cpuacct.usage": "0" });
    write(`cpu/engine/${ID}`, {
      "cpu.stat": "nr_periods 9\nnr_throttled 3\nthrottled_time 5000000\n",
      "cgroup.procs": "1\n2\n",
    });
    write(`cpuacct/engine/${ID}`, { "cpuacct.usage": "7000000", "cpuacct.usage_sys": "2000000" });
    write(`memory/engine/${ID}`, { "memory.max_usage_in_bytes": "4096", "memory.failcnt": "1" });
    const group = ContainerGroup.find(root, ID)!;
    expect(group.usage()).to.deep.equal({
      cpu: { totalMs: 7, systemMs: 2 },
      memoryPeakBytes: 4096,
      memoryFailCount: 1,
      periodCount: 9,
      throttledCount: 3,
      throttledMs: 5,
    });
    expect(group.members()).to.deep.equal(["1", "2"]);
  });

  it("is found and read in cgroups of version 2, as a scope of systemd", () => {
    const folder = `system.slice/docker-${ID}.scope`;
    write(folder, { "cpu.stat": "usage_usec 7000\nsystem_usec 2000\nnr_throttled 3\nthrottled_usec 5000\n" });
    write(folder, { "cgroup.procs": "", "memory.peak": "4096", "memory.events": "max 1\n" });
    const group = ContainerGroup.find(root, ID)!;
    expect(group.members()).to.deep.equal([]);
    const usage = group.usage();
    expect(usage?.cpu).to.deep.equal({ totalMs: 7, systemMs: 2 });
    expect([usage?.memoryPeakBytes, usage?.memoryFailCount, usage?.throttledMs]).to.deep.equal([4096, 1, 5]);
  });

  it("tells nothing while the container does not run, and is not there where nobody shows it", () => {
    write(`system.slice/docker-${ID}.scope`, {});
    const group = ContainerGroup.find(root, ID)!;
    expect([group.usage(), group.members(), group.rssPeakBytes()]).to.deep.equal([undefined, [], 0]);
    expect(ContainerGroup.find(root, "fedcba")).to.equal(undefined);
  });
});
