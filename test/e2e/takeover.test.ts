import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { JournalDirectory } from "../../server/journal/journal-directory.ts";
import { RealDisk } from "../../server/system/real-disk.ts";
import { toVersion1 } from "../support/version-1-journal.ts";
import { LastingService } from "./lasting-service.ts";
import { newPayment, newPaymentOf, type Payment, pay, payMany, viewOf } from "./payments.ts";
import { until } from "./until.ts";

describe("partitions that any instance carries", function () {
  this.timeout(120_000);
  let service: LastingService;

  beforeEach(async () => {
    service = await LastingService.start();
  });
  afterEach(() => service?.stop());

  function newPayments(count: number): Payment[] {
    return Array.from({ length: count }, (_, i) => newPayment(100 + i));
  }

  /** All that was accepted is processed, summed up and charged, each once. */
  async function expectAll(count: number): Promise<void> {
    const { told, charged } = await service.settled(count);
    expect(told).to.deep.equal(charged);
    expect(told.default.count + told.fallback.count).to.equal(count);
  }

  it("are taken over when an instance is killed: every answer is 2xx, then and when it is back", async () => {
    await service.begin(2);
    const payments = newPayments(300);
    await payMany(service.front, payments);
    const load = service.startLoad();
    await load.more(100);
    await service.topology.kill("instance-2");
    await load.more(200);
    await service.untilCarriedBy([1, 1], [1]);
    await service.topology.restart("instance-2");
    await service.untilAtHome();
    await load.more(100);
    await load.end();
    expect(load.failures).to.deep.equal([]);
    await expectAll(payments.length + load.accepted.length);
    for (const payment of [...payments, ...load.accepted])
      expect((await viewOf(service.front, payment)).state).to.equal("processed");
  });

  it("are handed over when an instance ends in order: every answer is 2xx, then and when it is back", async () => {
    await service.begin(2);
    const load = service.startLoad();
    await load.more(100);
    for (const name of ["instance-1", "instance-2"] as const) {
      const survivor = name === "instance-1" ? 2 : 1;
      expect(await service.topology.kill(name, "SIGTERM")).to.deep.equal({ code: 0, signal: null });
      expect(await service.carriersAt(survivor)).to.deep.equal([survivor, survivor]);
      await load.more(100);
      await service.topology.restart(name);
      await service.untilAtHome();
      await load.more(100);
    }
    await load.end();
    expect(load.failures).to.deep.equal([]);
    await expectAll(load.accepted.length);
  });

  it("are all there for two instances, then one, then two again", async () => {
    let count = 0;
    for (const instanceCount of [2, 1, 2]) {
      await service.begin(instanceCount);
      await expectAll(count);
      const payments = newPayments(100);
      await payMany(service.front, payments);
      count += payments.length;
      await expectAll(count);
      await service.end();
    }
  });

  it("are all there when both instances were killed at once, with payments under way", async () => {
    await service.begin(2);
    const payments = newPayments(200);
    service.processors.default.settings.delayMs = 200;
    await payMany(service.front, payments);
    await Promise.all([service.topology.kill("instance-1"), service.topology.kill("instance-2")]);
    service.processors.default.settings.delayMs = 0;
    await service.end();
    await service.begin(2);
    await expectAll(payments.length);
  });

  it("are found in the directories of the release before, which keep their names", async () => {
    const former = [1, 2].map((number) => join(service.dataDir, `instance-${number}`));
    const present = [1, 2].map((number) => join(service.dataDir, `partition-${number}`));
    await service.begin(2);
    const payments = newPayments(200);
    await payMany(service.front, payments);
    await expectAll(payments.length);
    await service.end();
    for (const [i, path] of present.entries()) renameSync(path, former[i]!);
    await service.begin(2);
    await expectAll(payments.length);
    await payMany(service.front, newPayments(50));
    await service.topology.kill("instance-1");
    await expectAll(payments.length + 50);
    await service.end();
    for (const path of former) toVersion1(new JournalDirectory(new RealDisk(), path));
    await service.begin(1);
    await expectAll(payments.length + 50);
    expect([former, present].map((paths) => paths.map((path) => existsSync(path)))).to.deep.equal([
      [true, true],
      [false, false],
    ]);
  });

  it("stay where they are without a journal: nobody takes over what only memory has", async () => {
    await service.begin(2, { DURABILITY: "none" });
    await payMany(service.front, [newPaymentOf(1), newPaymentOf(2)]);
    await expectAll(2);
    await service.topology.kill("instance-2");
    await until("it is known to be gone", async () => (await service.carriersAt(1)).join() === "1,");
    expect((await pay(service.front, newPaymentOf(1))).status).to.equal(202);
    const refused = await pay(service.front, newPaymentOf(2));
    expect([refused.status, refused.headers["retry-after"]]).to.deep.equal([503, "1"]);
    expect((await service.front.get("/payments-summary")).status).to.equal(503);
    expect(await service.carriersAt(1)).to.deep.equal([1, null]);
    await service.topology.restart("instance-2");
    await service.untilAtHome();
    expect((await pay(service.front, newPaymentOf(2))).status).to.equal(202);
  });
});
