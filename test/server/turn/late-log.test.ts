import { expect } from "chai";
import pino from "pino";
import { Engine } from "../../../core/engine.ts";
import { BATCH_RECORDS } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { ACCEPTED_NEW } from "../../../core/values/accept-result.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as State from "../../../core/values/state.ts";
import { JournalMeters } from "../../../server/meters/meters.ts";
import type { Effect } from "../../../server/turn/effect.ts";
import { GroupCommit } from "../../../server/turn/group-commit.ts";
import { FencedError } from "../../../server/turn/record-log.ts";
import { LateLog } from "../../support/late-log.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { forSeeds } from "../../support/random.ts";
import { twoTerms } from "../../support/terms.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const ANSWERS = { no: new Error("no"), unknown: "unknown", fenced: new FencedError("fenced") } as const;

class Fixture {
  readonly log = new LateLog();
  readonly time = new VirtualTime();
  readonly engine = new Engine(Ways.open(new HealthSnapshot(2), twoTerms(1000)), {
    partition: 0,
    capacity: 10_000,
    seed: 1,
    giveUpAfterMs: 100,
    settleWithinMs: 0,
    answerWithinMs: 2000,
    waitsForSlow: true,
  });
  readonly story: string[] = [];
  readonly fenced: Error[] = [];
  readonly commit: GroupCommit;

  constructor() {
    this.commit = new GroupCommit({
      engine: this.engine,
      log: this.log,
      syncs: false,
      time: this.time,
      logger: pino({ level: "silent" }),
      meters: new JournalMeters(),
      onFenced: (error) => this.fenced.push(error),
    });
  }

  effect(name: string): Effect {
    return {
      commit: () => this.story.push(`commit ${name}`),
      abort: (isUnsure) => this.story.push(`abort ${name}${isUnsure ? ", perhaps" : ""}`),
      late: () => this.story.push(`late ${name}`),
    };
  }

  accept(n: number): void {
    expect(this.engine.accept(uuid(n), 0, 1, NOON_MS)).to.equal(ACCEPTED_NEW);
    this.commit.add(this.effect(`${n}`));
  }

  count(state: number): number {
    return this.engine.ledger.countIn(state);
  }
}

describe("group commit over a log that answers later", () => {
  it("lets effects happen in the order of their groups, each when its own is written", () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.accept(2);
    fixture.commit.commit();
    expect([fixture.story, fixture.commit.isSettled, fixture.log.underWay.length]).to.deep.equal([[], false, 2]);
    fixture.log.answer("written");
    expect(fixture.story).to.deep.equal(["commit 1"]);
    fixture.log.answer("written");
    expect([fixture.story, fixture.commit.isSettled]).to.deep.equal([["commit 1", "commit 2"], true]);
  });

  it("makes what is read wait for what is under way", () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.whenDurable((isDurable) => fixture.story.push(`durable ${isDurable}`));
    expect(fixture.story).to.deep.equal([]);
    fixture.log.answer("written");
    expect(fixture.story).to.deep.equal(["commit 1", "durable true"]);
  });

  it("takes back every group after one that is refused, newest first, and refuses until the log works again", () => {
    const fixture = new Fixture();
    for (const n of [1, 2]) {
      fixture.accept(n);
      fixture.commit.commit();
    }
    fixture.accept(3);
    fixture.log.answer(new Error("no"));
    fixture.commit.commit();
    expect(fixture.story).to.deep.equal(["abort 1", "abort 2", "abort 3"]);
    expect([fixture.engine.ledger.size, fixture.commit.isFailing]).to.deep.equal([0, true]);
    fixture.commit.retry();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.log.answer("written");
    expect([fixture.story.at(-1), fixture.engine.ledger.size]).to.deep.equal(["commit 1", 1]);
  });

  it("writes first, once it can again, what has happened at the processors meanwhile", () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.log.answer("written");
    const flight = fixture.engine.dispatch(NOON_MS);
    expect(flight).to.not.equal(NO_FLIGHT);
    fixture.commit.commit();
    fixture.log.answer("written");
    fixture.engine.settle(flight, Outcome.CHARGED, NOON_MS);
    fixture.accept(2);
    fixture.commit.commit();
    fixture.log.answer(new Error("no"));
    expect([fixture.count(State.PROCESSED), fixture.engine.ledger.size]).to.deep.equal([1, 1]);
    fixture.commit.retry();
    fixture.accept(3);
    fixture.commit.commit();
    expect(fixture.log.underWay.map(({ kinds }) => kinds)).to.deep.equal([[Kind.PROCESSED], [Kind.ACCEPTED]]);
  });

  it("lets nobody wait for a log that does not answer, and goes on when it does", async () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.commit.whenDurable((isDurable) => fixture.story.push(`durable ${isDurable}`));
    await fixture.time.passUntil(799);
    fixture.commit.noteLate();
    expect([fixture.story, fixture.commit.isFailing]).to.deep.equal([[], false]);
    await fixture.time.passUntil(800);
    for (let tick = 0; tick < 3; tick++) fixture.commit.noteLate();
    expect([fixture.story, fixture.commit.isFailing]).to.deep.equal([["late 1", "durable false"], true]);
    fixture.log.answer("written");
    expect(fixture.story.slice(2)).to.deep.equal(["commit 1"]);
    expect([fixture.commit.isFailing, fixture.engine.ledger.size]).to.deep.equal([false, 1]);
  });

  it("tells nothing of what is known while another may have the log; what it takes proves itself", () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.log.isCurrent = false;
    fixture.commit.whenDurable((isDurable) => fixture.story.push(`durable ${isDurable}`));
    expect(fixture.story).to.deep.equal(["durable false"]);
    fixture.log.answer("written");
    expect(fixture.story.slice(1)).to.deep.equal(["commit 1"]);
  });

  it("says whether it is sure that what was under way is not in the log", () => {
    for (const answers of [["no"], ["unknown", "no"], ["fenced"], ["unknown", "fenced"]] as const) {
      const fixture = new Fixture();
      fixture.accept(1);
      fixture.commit.commit();
      fixture.accept(2);
      for (const answer of answers) fixture.log.answer(ANSWERS[answer]);
      const isSure = answers.at(-1) === "no";
      expect(fixture.story).to.deep.equal([isSure ? "abort 1" : "abort 1, perhaps", "abort 2"]);
    }
  });

  it("holds everything while nobody knows whether a group was written, and goes on by what is found out", () => {
    for (const truth of ["written", new Error("it was not")] as const) {
      const fixture = new Fixture();
      fixture.accept(1);
      fixture.commit.commit();
      fixture.log.answer("unknown");
      expect([fixture.story, fixture.commit.isFailing, fixture.engine.ledger.size]).to.deep.equal([[], true, 1]);
      fixture.commit.retry();
      expect(fixture.commit.isFailing).to.equal(true);
      fixture.log.answer(truth);
      expect(fixture.story).to.deep.equal([truth === "written" ? "commit 1" : "abort 1"]);
      expect(fixture.commit.isFailing).to.equal(truth !== "written");
    }
  });

  it("keeps what rests on a turn's records as long as nobody knows whether they will be taken back", () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.accept(2);
    fixture.log.answer("unknown");
    expect(fixture.commit.commit()).to.equal(false);
    expect(fixture.story).to.deep.equal([]);
    fixture.log.answer("written");
    fixture.commit.commit();
    fixture.log.answer("written");
    expect(fixture.story).to.deep.equal(["commit 1", "commit 2"]);
  });

  it("has 8 groups under way at most: the next one goes on filling, and what rests on it waits", () => {
    const fixture = new Fixture();
    for (let n = 0; n < 20; n++) {
      fixture.accept(n);
      expect(fixture.commit.commit()).to.equal(true);
    }
    fixture.commit.whenDurable((isDurable) => fixture.story.push(`durable ${isDurable}`));
    expect([fixture.log.underWay.length, fixture.commit.waitingCount, fixture.commit.isFailing]).to.deep.equal([
      8,
      21,
      false,
    ]);
    fixture.log.answer("written");
    expect(fixture.story).to.deep.equal(["commit 0"]);
    fixture.commit.commit();
    expect(fixture.log.underWay.map(({ sequences }) => sequences.length)).to.deep.equal([1, 1, 1, 1, 1, 1, 1, 12]);
    while (fixture.log.underWay.length > 0) fixture.log.answer("written");
    expect(fixture.story).to.deep.equal([...Array.from({ length: 20 }, (_, n) => `commit ${n}`), "durable true"]);
  });

  it("refuses anything new while that group is half full, and takes all of it back when the log refuses", () => {
    for (const answer of ["written", new Error("no")] as const) {
      const fixture = new Fixture();
      let accepted = 0;
      while (!fixture.commit.isFailing) {
        fixture.accept(accepted++);
        if (accepted <= 8) fixture.commit.commit();
      }
      expect([accepted, fixture.log.underWay.length, fixture.story]).to.deep.equal([8 + BATCH_RECORDS / 2, 8, []]);
      fixture.log.answer(answer);
      fixture.commit.commit();
      fixture.commit.retry();
      expect(fixture.commit.isFailing).to.equal(false);
      while (fixture.log.underWay.length > 0) fixture.log.answer("written");
      const isWritten = answer === "written";
      expect(fixture.story).to.deep.equal(
        Array.from({ length: accepted }, (_, n) => `${isWritten ? "commit" : "abort"} ${n}`),
      );
      expect(fixture.engine.ledger.size).to.equal(isWritten ? accepted : 0);
    }
  });

  it("settles under steady load, for a purge that nothing unsafe stands before", () => {
    for (const isRefused of [false, true]) {
      const fixture = new Fixture();
      const { commit, engine, log, story } = fixture;
      const purge = (name: string) => (isSettled: boolean) => {
        if (isSettled) engine.purge(NOON_MS);
        story.push(`${name} ${isSettled} ${commit.commit()}`);
      };
      let next = 0;
      for (let step = 0; step < 40; step++) {
        if (!commit.isFailing) fixture.accept(next++);
        commit.commit();
        if (step === 20) for (const name of ["purge", "again"]) commit.whenSettled(purge(name));
        if (step >= 4 && log.underWay.length > 0) log.answer(isRefused && step > 20 ? new Error("no") : "written");
      }
      const purged = story.filter((line) => !line.includes("commit") && !line.includes("abort"));
      expect(purged).to.deep.equal(
        isRefused ? ["purge false false", "again false false"] : ["purge true true", "again true true"],
      );
      if (isRefused) continue;
      const kinds = log.written.flatMap((taken) => taken.kinds);
      expect(kinds.filter((kind) => kind === Kind.PURGED)).to.have.length(2);
      expect(next, "what was accepted after the purge").to.be.above(25);
    }
  });

  it("never tries again once another has taken the log over, and says so once", () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.log.answer(new FencedError("epoch 2"));
    fixture.commit.retry();
    const { story, fenced, commit } = fixture;
    expect([story, fenced.length, commit.isFailing]).to.deep.equal([["abort 1, perhaps"], 1, true]);
  });

  it("tells nothing of what stands once another has taken the log over", async () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.log.answer(new FencedError("epoch=2"));
    expect(await fixture.commit.durable()).to.equal(false);
  });

  it("drops what is under way when it is abandoned, whatever the log knows of it, and settles at once", async () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.log.answer("unknown");
    fixture.accept(2);
    const settled: boolean[] = [];
    fixture.commit.whenSettled((isSettled) => settled.push(isSettled));
    fixture.accept(3);
    fixture.commit.whenSettled((isSettled) => settled.push(isSettled));
    fixture.commit.abandon();
    expect(fixture.story).to.deep.equal(["abort 1, perhaps", "abort 2", "abort 3"]);
    expect([fixture.commit.isFailing, fixture.commit.isSettled, fixture.commit.waitingCount]).to.deep.equal([
      true,
      true,
      0,
    ]);
    expect(await fixture.commit.durable()).to.equal(false);
    fixture.commit.whenSettled((isSettled) => settled.push(isSettled));
    expect(settled.every((isSettled) => !isSettled)).to.equal(true);
    fixture.log.answer("written");
    fixture.commit.retry();
    expect([fixture.commit.commit(), fixture.story.length, fixture.log.underWay.length]).to.deep.equal([false, 3, 0]);
  });

  it("has lost the log without a word where it is abandoned in its own refusal", () => {
    const fixture = new Fixture();
    const { commit, log } = fixture;
    fixture.fenced.push = (...errors) => {
      commit.abandon();
      return errors.length;
    };
    fixture.accept(1);
    commit.commit();
    log.answer(new FencedError("epoch=2"));
    expect([fixture.story, commit.isSettled]).to.deep.equal([["abort 1, perhaps"], true]);
  });

  it("fails no payment for its age whose acceptance could yet be taken back", () => {
    const fixture = new Fixture();
    fixture.accept(1);
    fixture.commit.commit();
    fixture.engine.giveUpOld(NOON_MS + 1000, () => fixture.story.push("gave up"));
    expect([fixture.story, fixture.count(State.PENDING)]).to.deep.equal([[], 1]);
    fixture.log.answer("written");
    fixture.engine.giveUpOld(NOON_MS + 1000, () => fixture.story.push("gave up"));
    expect([fixture.story, fixture.count(State.FAILED)]).to.deep.equal([["commit 1", "gave up"], 1]);
  });

  it("keeps memory what the log makes of it, and answers each payment once, for random answers", () => {
    forSeeds(30, (random) => {
      const fixture = new Fixture();
      const { log, commit, engine } = fixture;
      const answered = new Map<string, string>();
      let next = 0;
      for (let step = 0; step < 300; step++) {
        const chance = random.below(10);
        if (chance < 4 && !commit.isFailing) fixture.accept(next++);
        else if (chance < 7) commit.commit();
        else if (log.underWay.length === 0) commit.retry();
        else if (random.chance(0.1)) log.answer("unknown");
        else log.answer(random.chance(0.15) ? new Error("no") : "written");
        expect(log.underWay.length).to.be.at.most(8);
      }
      while (log.underWay.length > 0) log.answer("written");
      commit.retry();
      commit.commit();
      while (log.underWay.length > 0) log.answer("written");
      for (const line of fixture.story) {
        const [what, n] = line.split(" ") as [string, string];
        expect(answered.has(n), line).to.equal(false);
        answered.set(n, what);
      }
      expect(answered.size).to.equal(next);
      const safe = [...answered].filter(([, what]) => what === "commit").map(([n]) => Number(n));
      const logged = log.written.flatMap(({ sequences }) => sequences);
      expect(logged).to.deep.equal(safe.map((_, i) => i));
      expect(engine.ledger.size).to.equal(safe.length);
      for (const n of safe) expect(engine.ledger.find(uuid(n))).to.be.at.least(0);
    });
  });
});
