import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { INSTANCE_NODE_FLAGS } from "../../../perf/launch/plans.ts";
import { SmallDisk, WHY_NO_DISK } from "../../support/journal-tmpfs.ts";
import { ChaosService, chaosSeed, INSTANCES } from "./chaos-service.ts";
import { auditExactly } from "./exact-audit.ts";

const SLOW_DISK = fileURLToPath(new URL("./slow-disk.js", import.meta.url));
const TIMEOUT_MS = 20_000;

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + TIMEOUT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}

/** Takes all the room there is; what was freed by others meanwhile as well. */
function fill(ballast: string): void {
  for (let bytes = 1 << 20; bytes >= 1; bytes >>= 1) {
    try {
      for (;;) appendFileSync(ballast, Buffer.alloc(bytes));
    } catch {
      // Smaller pieces may still fit.
    }
  }
}

describe("chaos: disks", function () {
  this.timeout(90_000);

  it("refuses payments while the disk is full, and recovers by itself once it is not", async function () {
    const disk = SmallDisk.mount("8m");
    if (disk === undefined) {
      console.log(`      ${WHY_NO_DISK}`);
      this.skip();
    }
    const seed = chaosSeed();
    console.log(`      CHAOS_SEED=${seed}`);
    const service = await ChaosService.start(seed, { DATA_DIR: disk.path, SEGMENT_BYTES: "65536" });
    const ballast = join(disk.path, "ballast");
    try {
      const { loader, proxies } = service;
      loader.start();
      for (let round = 0; round < 2; round++) {
        await sleep(500);
        for (const proxy of proxies) proxy.faultShare = round * 0.2;
        fill(ballast);
        for (const instance of INSTANCES) {
          await until(`instance ${instance} says that it cannot write`, async () => {
            const report = await service.ready(instance);
            const isWritten = report.partitions.some(({ writable }) => writable === true);
            return !report.ready && !isWritten && report.refusal === "the journal cannot be written";
          });
        }
        const refused = loader.newPayment();
        expect(await loader.send(refused)).to.equal(503);
        // A start needs room for a new segment: this one is tried again until there is some.
        if (round === 1) await service.kill(1);
        await sleep(300);
        rmSync(ballast);
        for (const instance of INSTANCES) {
          await service.topology.running(`instance-${instance}`);
          await until(`instance ${instance} is ready again`, async () => (await service.ready(instance)).ready);
        }
        expect(await loader.send(refused)).to.equal(202);
      }
      await service.heal();
      await loader.stop();
      expect(loader.statusCounts.get(503)).to.be.at.least(1);
      await service.settled();
      console.log(`      ${await auditExactly(service)}`);
    } finally {
      await service.loader.stop();
      await service.stop();
      disk.unmount();
    }
  });

  it("acknowledges late, loses nothing and stays up with a slow disk, fsync and kills", async () => {
    const seed = chaosSeed();
    console.log(`      CHAOS_SEED=${seed}`);
    const env = { DURABILITY: "fsync", SEGMENT_BYTES: "65536", SLOW_DISK_WRITE_MS: "3", SLOW_DISK_SYNC_MS: "25" };
    const service = await ChaosService.start(seed, env, { nodeFlags: [...INSTANCE_NODE_FLAGS, "--import", SLOW_DISK] });
    try {
      const { loader, random } = service;
      loader.start();
      for (let kill = 0; kill < 4; kill++) {
        await sleep(700);
        await service.kill(random.pick(INSTANCES));
        for (const instance of INSTANCES) await service.topology.running(`instance-${instance}`);
      }
      await sleep(500);
      await loader.stop();
      await service.settled();
      console.log(`      ${await auditExactly(service)}`);
      expect(loader.acceptedCount).to.be.at.least(100);
    } finally {
      await service.loader.stop();
      await service.stop();
    }
  });
});
