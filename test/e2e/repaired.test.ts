import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { HEADER_BYTES } from "../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import type { Repaired } from "../../server/journal-cli/repair/repair-report.ts";
import { chargesOf, newPayment, type Payment, pay, payMany, untilState } from "./payments.ts";
import { RestoredService } from "./restored-service.ts";
import { ROLES } from "./service.ts";
import { countOf, summaryOf } from "./summaries.ts";
import { until } from "./until.ts";

const MAIN = fileURLToPath(new URL("../../bundle/server/journal-cli/main.js", import.meta.url));

describe("start with a repaired journal", () => {
  let service: RestoredService;

  before(async () => {
    service = await RestoredService.start();
  });

  after(() => service?.stop());

  function payments(count: number): Payment[] {
    return Array.from({ length: count }, (_, i) => newPayment(100 + i));
  }

  /** Everything from the middle of the log to three quarters of it is gone. */
  function damage(directory: string): void {
    const [name] = readdirSync(directory).filter((found) => found.startsWith("segment"));
    const bytes = readFileSync(join(directory, name!));
    const count = Math.floor((bytes.length - HEADER_BYTES) / RECORD_BYTES);
    const offsetOf = (record: number): number => HEADER_BYTES + record * RECORD_BYTES;
    bytes.fill(0xff, offsetOf(Math.floor(count / 2)), offsetOf(Math.floor((count * 3) / 4)));
    writeFileSync(join(directory, name!), bytes);
  }

  function repair(): { dataDir: string; report: Repaired } {
    const from = dirname(service.instanceDirectory);
    const dataDir = `${from}-repaired`;
    const processors = ROLES.flatMap((role) => ["--processor", `${role}=${service.processors[role].url}`]);
    const args = [MAIN, "repair", from, "--out", dataDir, "--json", ...processors];
    try {
      execFileSync(process.execPath, args, { env: { CAPACITY: "100000" }, encoding: "utf8" });
      throw new Error("payments are lost, and the exit code must say so: code=0");
    } catch (error) {
      const { status, stdout } = error as { status?: number; stdout?: string };
      if (status !== 1) throw error;
      return { dataDir, report: (JSON.parse(stdout!) as Repaired[])[0]! };
    }
  }

  it("charges nothing twice, and counts all that was charged, once clients have repeated what is lost", async () => {
    await service.startInstance();
    const all = payments(40);
    await payMany(service.caller, all);
    await untilState(service.caller, all, "processed");
    await service.setWires("refusing");
    const pending = payments(10);
    await payMany(service.caller, pending);
    all.push(...pending);
    await service.killInstance();
    await service.setWires("open");
    damage(service.instanceDirectory);

    const { dataDir, report } = repair();
    // A journal without damage is not repaired: it is taken along as it is.
    cpSync(join(dirname(service.instanceDirectory), "partition-2"), join(dataDir, "partition-2"), { recursive: true });
    expect(report.damages).to.have.length.above(0);
    expect(report.payments.length + report.lost.length).to.be.above(0);
    service.useData(dataDir);
    await service.startInstance({ RESTORED_GRACE_MS: "600" });
    expect(service.isMarked).to.equal(true);
    const answers = await Promise.all(all.map((payment) => pay(service.caller, payment)));
    expect(answers.map(({ status }) => status))
      .to.include.members([200])
      .and.not.include(503);
    await until("all are counted", async () => countOf(await summaryOf(service.caller)) === all.length);
    expect(service.chargedTwice).to.deep.equal([]);
    const summary = await summaryOf(service.caller);
    for (const role of ROLES) {
      const cents = [...chargesOf(service.processors[role]).values()].reduce((sum, charge) => sum + charge.cents, 0);
      expect(summary[role].cents, role).to.equal(cents);
    }
  });
});
