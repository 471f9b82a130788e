import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import pino from "pino";
import { Engine } from "../../../core/engine.ts";
import { BATCH_RECORDS, type RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { ACCEPTED_NEW } from "../../../core/values/accept-result.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as State from "../../../core/values/state.ts";
import { JournalMeters } from "../../../server/meters/meters.ts";
import { RealTime, type Time } from "../../../server/system/time.ts";
import type { Effect } from "../../../server/turn/effect.ts";
import { GroupCommit } from "../../../server/turn/group-commit.ts";
import type { RecordLog } from "../../../server/turn/record-log.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { twoTerms } from "../../support/terms.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

/** A log in memory that does as it is told. */
class FakeLog implements RecordLog {
  /** Kinds of the records of every write. */
  readonly writes: number[][] = [];
  readonly syncs: ((error: Error | null) => void)[] = [];
  isFull = false;
  lsn = 0;

  append(batch: RecordBatch): Error | undefined {
    if (this.isFull) return new Error("no space");
    this.writes.push(Array.from({ length: batch.count }, (_, record) => batch.kind(record)));
    this.lsn += batch.count;
    return undefined;
  }

  probe(): boolean {
    return !this.isFull;
  }

  sync(onDurable: (error: Error | null) => void): void {
    this.syncs.push(onDurable);
  }

  close(): void {}
}

class Fixture {
  readonly log = new FakeLog();
  readonly engine = new Engine(Ways.open(new HealthSnapshot(2), twoTerms(16)), {
    partition: 0,
    capacity: 10_000,
    seed: 1,
    giveUpAfterMs: 60_000,
    settleWithinMs: 0,
    answerWithinMs: 2000,
    waitsForSlow: true,
  });
  readonly commit: GroupCommit;
  /** Effects and writes in the order they happened. */
  readonly story: string[] = [];

  constructor(options: { syncs?: boolean; isLogless?: boolean; time?: Time } = {}) {
    const log = options.isLogless ? undefined : this.log;
    this.commit = new GroupCommit({
      engine: this.engine,
      log,
      syncs: options.syncs ?? false,
      time: options.time ?? new RealTime(),
      logger: pino({ level: "silent" }),
      meters: new JournalMeters(),
      onWritten: () => this.story.push("written"),
    });
  }

  accept(n: number): void {
    expect(this.engine.accept(uuid(n), 0, 1, NOON_MS)).to.equal(ACCEPTED_NEW);
    this.commit.add(this.effect(`${n}`));
  }

  effect(name: string): Effect {
    return {
      commit: () => this.story.push(`commit ${name}`),
      abort: () => this.story.push(`abort ${name}`),
    };
  }

  dispatch(): number {
    const flight = this.engine.dispatch(NOON_MS);
    expect(flight).not.to.equal(NO_FLIGHT);
    this.commit.add(this.effect(`send ${flight}`));
    return flight;
  }

  counts(): Record<string, number> {
    const { ledger } = this.engine;
    return {
      kept: ledger.size,
      pending: ledger.countIn(State.PENDING),
      sending: ledger.countIn(State.SENDING),
      processed: ledger.countIn(State.PROCESSED),
    };
  }
}

describe("group commit", () => {
  it("writes once for all payments of a turn, and answers them only then", async () => {
    const fixture = new Fixture();
    for (let n = 0; n < 1000; n++) fixture.accept(n);
    expect(fixture.story).to.deep.equal([]);
    expect(fixture.log.writes).to.have.length(0);
    await turn();
    expect(fixture.log.writes).to.deep.equal([Array(1000).fill(Kind.ACCEPTED)]);
    expect(fixture.story).to.deep.equal(["written", ...Array.from({ length: 1000 }, (_, n) => `commit ${n}`)]);
    expect(fixture.engine.batch.count).to.equal(0);
  });

  it("writes once for each turn, and not at all in a turn without records", async () => {
    const fixture = new Fixture();
    for (let n = 0; n < 3; n++) {
      fixture.accept(n);
      await turn();
    }
    fixture.commit.wake();
    await turn();
    expect(fixture.log.writes).to.deep.equal([[Kind.ACCEPTED], [Kind.ACCEPTED], [Kind.ACCEPTED]]);
  });

  it("writes earlier rather than let the batch overflow", async () => {
    const fixture = new Fixture();
    for (let n = 0; n < BATCH_RECORDS; n++) fixture.accept(n);
    expect(fixture.log.writes.length).to.equal(2);
    await turn();
    expect(fixture.log.lsn).to.equal(BATCH_RECORDS);
  });

  it("takes in what is gathered at the turn's end", async () => {
    const fixture = new Fixture();
    fixture.commit.gatherFrom({
      gather: () => {
        if (fixture.engine.ledger.countIn(State.PENDING) > 0) fixture.dispatch();
      },
    });
    fixture.accept(1);
    await turn();
    expect(fixture.log.writes).to.deep.equal([[Kind.ACCEPTED, Kind.SENDING]]);
    expect(fixture.story).to.deep.equal(["written", "commit 1", "commit send 0"]);
  });

  it("lets effects that need no record wait for those before them", async () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.add(fixture.effect("duplicate"));
    await turn();
    expect(fixture.story).to.deep.equal(["written", "commit 1", "commit duplicate"]);
  });

  it("writes nothing once the log is another's, and says so to all who still ask", async () => {
    const fixture = new Fixture();
    const { commit, engine, log, story } = fixture;
    fixture.accept(1);
    expect(await commit.durable()).to.equal(true);
    commit.end();
    expect(commit.isFailing).to.equal(true);
    engine.accept(uuid(2), 0, 1, NOON_MS);
    commit.add(fixture.effect("2"));
    await turn();
    expect([commit.commit(), await commit.durable()]).to.deep.equal([false, false]);
    commit.retry();
    expect([commit.isFailing, log.writes.length]).to.deep.equal([true, 1]);
    expect(story).to.deep.equal(["written", "commit 1", "abort 2"]);
  });

  it("aborts what has been decided in the turn in which it ends", async () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.end();
    await turn();
    expect([fixture.log.writes, fixture.story]).to.deep.equal([[], ["abort 1"]]);
  });

  it("needs no log", async () => {
    const fixture = new Fixture({ isLogless: true });
    fixture.accept(1);
    await turn();
    expect(fixture.story).to.include("commit 1");
    expect(fixture.engine.batch.count).to.equal(0);
  });

  describe("when the log cannot be written", () => {
    it("takes back what was accepted and sent, and says so to all of them", async () => {
      const fixture = new Fixture();
      fixture.accept(1);
      await turn();
      fixture.log.isFull = true;
      const flight = fixture.dispatch();
      fixture.accept(2);
      fixture.accept(3);
      await turn();
      expect(fixture.story.slice(2)).to.deep.equal([`abort send ${flight}`, "abort 2", "abort 3"]);
      expect(fixture.commit.isFailing).to.equal(true);
      expect(fixture.counts()).to.deep.equal({ kept: 1, pending: 1, sending: 0, processed: 0 });
      expect(fixture.engine.lookup(uuid(2))).to.equal(-1);
    });

    it("keeps what has happened at the processors, and writes it once there is room", async () => {
      const fixture = new Fixture();
      fixture.accept(1);
      const flight = fixture.dispatch();
      await turn();
      fixture.log.isFull = true;
      fixture.engine.settle(flight, Outcome.CHARGED, NOON_MS + 5);
      fixture.commit.wake();
      await turn();
      expect(fixture.commit.commit()).to.equal(false);
      expect(fixture.counts()).to.deep.include({ processed: 1 });

      fixture.log.isFull = false;
      expect(fixture.commit.commit(), "only a retry ends the failing").to.equal(false);
      fixture.commit.retry();
      expect(fixture.commit.isFailing).to.equal(false);
      await turn();
      expect(fixture.log.writes.at(-1)).to.deep.equal([Kind.PROCESSED]);
    });

    it("vouches for what is told only as long as nothing has happened that it cannot take", async () => {
      const fixture = new Fixture();
      const read = (): boolean | undefined => {
        let told: boolean | undefined;
        fixture.commit.whenDurable((isDurable) => {
          told = isDurable;
        });
        return told;
      };
      fixture.accept(1);
      const flight = fixture.dispatch();
      expect(read()).to.equal(true);
      fixture.log.isFull = true;
      fixture.accept(2);
      expect(read(), "what was accepted has been taken back").to.equal(true);
      fixture.engine.settle(flight, Outcome.CHARGED, NOON_MS + 5);
      expect(read(), "what has been charged cannot be").to.equal(false);
      fixture.log.isFull = false;
      fixture.commit.retry();
      expect(read()).to.equal(true);
    });

    it("gathers nothing, and stays so until a probe succeeds", async () => {
      const fixture = new Fixture();
      let gatherCount = 0;
      fixture.log.isFull = true;
      fixture.accept(1);
      await turn();
      fixture.commit.gatherFrom({ gather: () => gatherCount++ });
      fixture.commit.retry();
      fixture.commit.wake();
      await turn();
      expect([fixture.commit.isFailing, gatherCount]).to.deep.equal([true, 0]);
      fixture.log.isFull = false;
      fixture.commit.retry();
      await turn();
      expect([fixture.commit.isFailing, gatherCount]).to.deep.equal([false, 1]);
    });

    it("accepts the same payments again afterwards, and sends them", async () => {
      const fixture = new Fixture();
      fixture.log.isFull = true;
      for (let n = 0; n < 5; n++) fixture.accept(n);
      await turn();
      expect(fixture.counts()).to.deep.include({ kept: 0 });
      fixture.log.isFull = false;
      fixture.commit.retry();
      for (let n = 0; n < 5; n++) fixture.accept(n);
      fixture.dispatch();
      await turn();
      expect(fixture.log.writes).to.deep.equal([[...Array(5).fill(Kind.ACCEPTED), Kind.SENDING]]);
      expect(fixture.counts()).to.deep.equal({ kept: 5, pending: 4, sending: 1, processed: 0 });
      expect(fixture.engine.ledger.countIn(State.IN_DOUBT)).to.equal(0);
    });
  });

  describe("with fsync", () => {
    it("lets effects wait for the sync after their write", async () => {
      const fixture = new Fixture({ syncs: true });
      fixture.accept(1);
      await turn();
      expect(fixture.story).to.deep.equal(["written"]);
      expect(fixture.log.syncs).to.have.length(1);
      fixture.log.syncs[0]!(null);
      expect(fixture.story).to.deep.equal(["written", "commit 1"]);
    });

    it("syncs once for all that came while the last sync ran, and not before it has ended", async () => {
      const fixture = new Fixture({ syncs: true });
      for (let n = 0; n < 4; n++) {
        fixture.accept(n);
        await turn();
      }
      expect(fixture.log.writes).to.have.length(4);
      expect(fixture.log.syncs).to.have.length(1);
      fixture.log.syncs[0]!(null);
      expect(fixture.story.filter((line) => line !== "written")).to.deep.equal(["commit 0"]);
      expect(fixture.log.syncs).to.have.length(2);
      fixture.log.syncs[1]!(null);
      expect(fixture.story.filter((line) => line !== "written")).to.deep.equal([
        "commit 0",
        "commit 1",
        "commit 2",
        "commit 3",
      ]);
      expect(fixture.log.syncs).to.have.length(2);
    });

    it("lets reads wait for the sync that covers what they say, and no longer", async () => {
      const fixture = new Fixture({ syncs: true });
      const read = (name: string) =>
        fixture.commit.whenDurable((isDurable) => fixture.story.push(`${name} ${isDurable}`));
      read("nothing there");
      expect(fixture.story).to.deep.equal(["nothing there true"]);
      fixture.accept(1);
      read("unwritten");
      read("written");
      expect(fixture.log.syncs).to.have.length(1);
      fixture.accept(2);
      read("after the sync began");
      expect(fixture.story).to.deep.equal(["nothing there true", "written", "written"]);
      fixture.log.syncs[0]!(null);
      expect(fixture.story.slice(3)).to.deep.equal(["commit 1", "unwritten true", "written true"]);
      fixture.log.syncs[1]!(null);
      expect(fixture.story.slice(6)).to.deep.equal(["commit 2", "after the sync began true"]);
      read("all there");
      expect(fixture.story.at(-1)).to.equal("all there true");
      expect(fixture.log.syncs).to.have.length(2);
    });

    it("syncs what nobody waited for when it is read", async () => {
      const fixture = new Fixture({ syncs: true });
      fixture.accept(1);
      await turn();
      fixture.log.syncs[0]!(null);
      fixture.engine.settle(fixture.dispatch(), Outcome.CHARGED, NOON_MS + 5);
      let isTold = false;
      fixture.commit.whenDurable(() => {
        isTold = true;
      });
      expect(isTold).to.equal(false);
      fixture.log.syncs[1]!(null);
      expect(isTold).to.equal(true);
    });

    it("tells how many effects wait, and for how long the oldest has", async () => {
      const time = new VirtualTime();
      const fixture = new Fixture({ syncs: true, time });
      const { commit } = fixture;
      expect([commit.waitingCount, commit.lagMs]).to.deep.equal([0, 0]);
      fixture.accept(1);
      await time.passUntil(30);
      fixture.accept(2);
      await time.passUntil(40);
      expect([commit.waitingCount, commit.lagMs]).to.deep.equal([2, 40]);
      fixture.log.syncs[0]!(null);
      expect([commit.waitingCount, commit.lagMs]).to.deep.equal([1, 10]);
      fixture.log.syncs[1]!(null);
      expect([commit.waitingCount, commit.lagMs]).to.deep.equal([0, 0]);
    });

    it("does not go on after a failed sync: only a restart tells what is on the disk", async () => {
      const fixture = new Fixture({ syncs: true });
      fixture.accept(1);
      await turn();
      expect(() => fixture.log.syncs[0]!(new Error("EIO"))).to.throw("EIO");
      expect(fixture.story).to.deep.equal(["written"]);
    });
  });
});
