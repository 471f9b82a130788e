import { expect } from "chai";
import pino from "pino";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import { Appender } from "../../../server/lease/appender.ts";
import { type Append, NotDoneError, UnknownError } from "../../../server/lease/database.ts";
import { LeaseLog } from "../../../server/lease/lease-log.ts";
import { FencedError, type LateAnswer, UNDER_WAY } from "../../../server/turn/record-log.ts";
import { VirtualTime } from "../../support/virtual-time.ts";
import { ScriptedDatabase } from "./scripted-database.ts";

class Fixture {
  readonly time = new VirtualTime();
  readonly database = new ScriptedDatabase();
  readonly appender = new Appender(this.database.asDatabase, this.time, pino({ level: "silent" }));
  readonly answers: Record<number, string[]> = {};
  readonly halts: string[] = [];
  isLeaseValid = true;

  log(partition: number, lsn = 0, epoch = 1): LeaseLog {
    const log = new LeaseLog(this.appender, {
      partition,
      epoch,
      lsn,
      latestMs: 0,
      isLeaseValid: () => this.isLeaseValid,
      onHalt: (reason) => this.halts.push(reason),
    });
    const answers: string[] = [];
    this.answers[partition] = answers;
    log.listen((answer) => answers.push(nameOf(answer)));
    return log;
  }

  async pass(ms: number): Promise<void> {
    await this.time.passUntil(this.time.nowMs + ms);
  }

  /** The last statement is answered. */
  async answer(result: readonly number[] | Error): Promise<void> {
    const { resolve, reject } = this.database.appends.at(-1)!;
    if (result instanceof Error) reject(result);
    else resolve(result);
    await settled();
    await this.pass(0);
    await settled();
  }

  async raised(...raised: { partition: number; epoch: number; head: number }[]): Promise<void> {
    this.database.raises.at(-1)!.resolve(raised);
    await settled();
    await this.pass(0);
  }
}

/** Whoever waits for a promise that is settled has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 24; turn++) await undefined;
}

function nameOf(answer: LateAnswer): string {
  if (answer instanceof FencedError) return "fenced";
  return answer instanceof Error ? "refused" : answer;
}

function batchOf(count: number): RecordBatch {
  const batch = new RecordBatch(8);
  for (let record = 0; record < count; record++) batch.append(Kind.WATERMARK, 0, 1000 + record, NO_PROCESSOR, 0, 0);
  return batch;
}

describe("appender", () => {
  it("writes what all partitions have in one statement, and what comes meanwhile in the next", async () => {
    const fixture = new Fixture();
    const [one, two] = [fixture.log(1), fixture.log(2, 40, 7)];
    expect([one.append(batchOf(2)), two.append(batchOf(1)), one.append(batchOf(1))]).to.deep.equal(
      Array.from({ length: 3 }, () => UNDER_WAY),
    );
    await fixture.pass(0);
    expect(fixture.database.newest).to.deep.equal([
      [1, 1, 0, 3],
      [2, 7, 40, 1],
    ]);
    one.append(batchOf(2));
    await fixture.pass(10);
    expect(fixture.database.appends.length).to.equal(1);
    await fixture.answer([1, 2]);
    expect(fixture.answers).to.deep.equal({ 1: ["written", "written"], 2: ["written"] });
    expect(fixture.database.newest).to.deep.equal([[1, 1, 3, 2]]);
    await fixture.answer([1]);
    expect([one.lsn, one.writtenLsn, one.isIdle, two.writtenLsn]).to.deep.equal([5, 5, true, 41]);
  });

  it("seals records with their numbers, over all batches of a statement", async () => {
    const fixture = new Fixture();
    const log = fixture.log(0, 100);
    for (const count of [2, 3]) log.append(batchOf(count));
    await fixture.pass(0);
    const [[append]] = fixture.database.appends[0]!.args as [Append[]];
    const read = new RecordBatch(8);
    read.bytes.set(append!.records);
    read.refill(append!.records.length / RECORD_BYTES);
    expect(Array.from({ length: 5 }, (_, record) => read.isSound(record, 100 + record))).to.not.include(false);
  });

  it("tries again for half a second what certainly was not done, and then refuses it and what waits", async () => {
    const fixture = new Fixture();
    const [one, two] = [fixture.log(1), fixture.log(2)];
    one.append(batchOf(1));
    await fixture.pass(0);
    await fixture.answer(new NotDoneError("refused"));
    await fixture.pass(50);
    expect([fixture.database.appends.length, fixture.answers[1]]).to.deep.equal([2, []]);
    await fixture.answer([1]);
    expect(fixture.answers[1]).to.deep.equal(["written"]);
    one.append(batchOf(1));
    await fixture.pass(0);
    two.append(batchOf(1));
    for (let tries = 0; tries < 12; tries++) {
      await fixture.answer(new NotDoneError("refused"));
      await fixture.pass(50);
    }
    expect([fixture.answers, fixture.appender.isDown]).to.deep.equal([
      { 1: ["written", "refused"], 2: ["refused"] },
      true,
    ]);
    expect([one.lsn, one.probe(), one.append(batchOf(1)) instanceof Error]).to.deep.equal([1, false, true]);
  });

  it("takes the database for working once it answers anything", async () => {
    const fixture = new Fixture();
    const log = fixture.log(1);
    fixture.database.isThere = false;
    log.append(batchOf(1));
    await fixture.pass(0);
    for (let tries = 0; !fixture.appender.isDown; tries++) {
      expect(tries).to.be.lessThan(20);
      await fixture.answer(new NotDoneError("refused"));
      await fixture.pass(50);
    }
    await fixture.pass(2000);
    expect(log.probe()).to.equal(false);
    fixture.database.isThere = true;
    await fixture.pass(251);
    expect(log.probe()).to.equal(true);
    log.append(batchOf(1));
    await fixture.pass(0);
    await fixture.answer([1]);
    expect(fixture.answers[1]).to.deep.equal(["refused", "written"]);
  });

  it("finds out by a later epoch what became of a lost answer: it was done", async () => {
    const fixture = new Fixture();
    const log = fixture.log(1, 10);
    log.append(batchOf(2));
    await fixture.pass(0);
    log.append(batchOf(1));
    await fixture.answer(new UnknownError("lost"));
    expect([fixture.answers[1], fixture.database.raises[0]!.args]).to.deep.equal([
      ["unknown"],
      [{ partition: 1, since: 1 }],
    ]);
    await fixture.raised({ partition: 1, epoch: 2, head: 12 });
    expect([fixture.answers[1], log.epoch]).to.deep.equal([["unknown", "written"], 2]);
    expect(fixture.database.newest).to.deep.equal([[1, 2, 12, 1]]);
  });

  it("sends again, with its new epoch, what was not", async () => {
    const fixture = new Fixture();
    const log = fixture.log(1, 10);
    log.append(batchOf(2));
    await fixture.pass(0);
    log.append(batchOf(1));
    await fixture.answer(new UnknownError("lost"));
    await fixture.raised({ partition: 1, epoch: 2, head: 10 });
    expect(fixture.database.newest).to.deep.equal([[1, 2, 10, 3]]);
    await fixture.answer([1]);
    expect([fixture.answers[1], log.writtenLsn]).to.deep.equal([["unknown", "written", "written"], 13]);
  });

  it("asks until it is told, and sends nothing meanwhile", async () => {
    const fixture = new Fixture();
    const [one, two] = [fixture.log(1), fixture.log(2)];
    one.append(batchOf(1));
    await fixture.pass(0);
    await fixture.answer(new UnknownError("lost"));
    two.append(batchOf(1));
    for (let tries = 0; tries < 6; tries++) {
      fixture.database.raises.at(-1)!.reject(tries % 2 ? new NotDoneError("no") : new UnknownError("lost"));
      await settled();
      await fixture.pass(300);
    }
    expect([fixture.database.raises.length, fixture.database.appends.length]).to.deep.equal([7, 1]);
    expect(fixture.answers, "what was not sent does not wait for long").to.deep.equal({
      1: ["unknown"],
      2: ["refused"],
    });
    await fixture.raised({ partition: 1, epoch: 5, head: 1 });
    expect([fixture.answers[1], fixture.appender.isDown]).to.deep.equal([["unknown", "written"], false]);
  });

  it("is fenced where another has the partition, and only there", async () => {
    const fixture = new Fixture();
    const [one, two] = [fixture.log(1), fixture.log(2)];
    for (const log of [one, two]) log.append(batchOf(1));
    await fixture.pass(0);
    await fixture.answer([2]);
    expect([fixture.answers, fixture.database.raises[0]!.args]).to.deep.equal([
      { 1: [], 2: ["written"] },
      [{ partition: 1, since: 1 }],
    ]);
    await fixture.raised();
    expect([fixture.answers[1], one.append(batchOf(1)) instanceof FencedError, one.isCurrent]).to.deep.equal([
      ["fenced"],
      true,
      false,
    ]);
    expect(two.append(batchOf(1))).to.equal(UNDER_WAY);
  });

  it("halts a partition of which the database has less than it acknowledged", async () => {
    const fixture = new Fixture();
    const log = fixture.log(1, 10);
    log.append(batchOf(2));
    await fixture.pass(0);
    await fixture.answer([1]);
    log.append(batchOf(1));
    await fixture.pass(0);
    await fixture.answer([]);
    await fixture.raised({ partition: 1, epoch: 2, head: 11 });
    expect(fixture.answers[1]).to.deep.equal(["written", "fenced"]);
    expect(fixture.halts).to.have.length(1);
    expect(fixture.halts[0]).to.match(/must have what it acknowledged: partition=2 head=11 acknowledged=12/);
  });

  it("tells a log that was closed nothing more, and writes nothing of it", async () => {
    const fixture = new Fixture();
    const log = fixture.log(1);
    log.append(batchOf(1));
    await fixture.pass(0);
    log.append(batchOf(1));
    await fixture.answer(new UnknownError("lost"));
    log.close();
    await fixture.raised({ partition: 1, epoch: 2, head: 0 });
    await fixture.pass(1000);
    expect([fixture.answers[1], fixture.database.appends.length]).to.deep.equal([["unknown"], 1]);
  });

  it("vouches for what is known only while the lease is valid", () => {
    const fixture = new Fixture();
    const log = fixture.log(1);
    expect(log.isCurrent).to.equal(true);
    fixture.isLeaseValid = false;
    expect(log.isCurrent).to.equal(false);
  });
});
