import { expect } from "chai";
import { Engine } from "../../../core/engine.ts";
import type { RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { Log } from "../../../server/log/log.ts";
import { Meters } from "../../../server/meters/meters.ts";
import { PaymentBody } from "../../../server/payments/payment-body.ts";
import { PaymentService } from "../../../server/payments/payment-service.ts";
import { SlewedClock } from "../../../server/turn/clock.ts";
import { GroupCommit } from "../../../server/turn/group-commit.ts";
import type { RecordLog } from "../../../server/turn/record-log.ts";
import { twoTerms } from "../../support/terms.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const EVER = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

/** A log that keeps the bounds that were written. */
class BoundLog implements RecordLog {
  lsn = 0;
  isFull = false;
  boundMs = 0;

  append(batch: RecordBatch): Error | undefined {
    if (this.isFull) return new Error("no space");
    for (let record = 0; record < batch.count; record++) {
      if (batch.kind(record) === Kind.WATERMARK) this.boundMs = batch.atMs(record);
    }
    this.lsn += batch.count;
    return undefined;
  }

  probe(): boolean {
    return !this.isFull;
  }

  sync(onDurable: (error: Error | null) => void): void {
    onDurable(null);
  }

  close(): void {}
}

function fixture(lines: Log) {
  const time = new VirtualTime();
  const log = new BoundLog();
  const meters = new Meters(2);
  const engine = new Engine(Ways.open(new HealthSnapshot(2), twoTerms(16)), {
    partition: 0,
    capacity: 16,
    seed: 1,
    giveUpAfterMs: 60_000,
    settleWithinMs: 0,
    answerWithinMs: 2000,
    waitsForSlow: true,
  });
  const commit = new GroupCommit({
    engine,
    log,
    syncs: false,
    time,
    logger: lines.logger,
    meters: meters.journal,
  });
  const service = new PaymentService({
    engine,
    clock: new SlewedClock(time),
    commit,
    meters,
    log: lines,
    body: new PaymentBody(),
  });
  const told = async (): Promise<number> => (await service.summaryPart(EVER))!.settledUntilMs;
  return { time, log, commit, told };
}

describe("a summary's watermark", () => {
  const lines = new Log("silent", 0);
  after(() => lines.close());

  it("leaves only when the log says how late one was given out", async () => {
    const { time, log, told } = fixture(lines);
    for (let step = 0; step < 50; step++) {
      const untilMs = await told();
      expect(untilMs).to.equal(time.wallMs());
      expect(log.boundMs).to.be.within(untilMs, untilMs + 99);
      await time.passUntil(time.nowMs + 30);
    }
    // A second and a half in steps of a tenth.
    expect(log.lsn).to.be.within(15, 16);
  });

  it("stays at what the log says while that cannot be written, from the first failure on", async () => {
    const { time, log, commit, told } = fixture(lines);
    await told();
    const { boundMs } = log;
    log.isFull = true;
    await time.passUntil(time.nowMs + 1000);
    expect([await told(), await told()]).to.deep.equal([boundMs, boundMs]);
    log.isFull = false;
    commit.retry();
    await time.passUntil(time.nowMs + 1000);
    expect(await told()).to.equal(time.wallMs());
    expect(log.boundMs).to.be.at.least(time.wallMs());
  });
});
