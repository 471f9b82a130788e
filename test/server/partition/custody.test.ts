import { expect } from "chai";
import { VirtualTime } from "../../support/virtual-time.ts";
import { Cluster, type Instance } from "./cluster.ts";

describe("custody", () => {
  let cluster: Cluster;

  beforeEach(() => {
    cluster = new Cluster(new VirtualTime(), 2, 2);
  });

  /** Two that have been up for a while. */
  async function two(): Promise<[Instance, Instance]> {
    const [first, second] = cluster.startAll();
    await cluster.pass(6000);
    return [first!, second!];
  }

  const carried = (): unknown => cluster.carried();

  describe("at a start", () => {
    it("gives each of two instances what it prefers, at once", async () => {
      cluster = new Cluster(new VirtualTime(), 2, 4);
      const [first] = cluster.startAll();
      await cluster.pass(200);
      expect(await first!.started).to.equal("started");
      expect(carried()).to.deep.equal({ 0: [0, 2], 1: [1, 3] });
      await cluster.pass(20_000);
      expect(carried()).to.deep.equal({ 0: [0, 2], 1: [1, 3] });
      expect([first!.custody.takeOverCount, first!.custody.handOverCount]).to.deep.equal([0, 0]);
    });

    it("leaves a partition to an instance that may yet start, for three seconds", async () => {
      const alone = cluster.start(0);
      await cluster.pass(2900);
      expect(alone.carried).to.deep.equal([0]);
      await cluster.pass(300);
      expect([alone.carried, alone.custody.takeOverCount]).to.deep.equal([[0, 1], 1]);
    });

    it("leaves alone what another has, which gives it back once this one has run for five seconds", async () => {
      cluster.start(0);
      await cluster.pass(10_000);
      const late = cluster.start(1);
      await cluster.pass(200);
      expect([await late.started, late.carried]).to.deep.equal(["started", []]);
      await cluster.pass(4600);
      expect(carried()).to.deep.equal({ 0: [0, 1], 1: [] });
      await cluster.pass(1000);
      expect(carried()).to.deep.equal({ 0: [0], 1: [1] });
    });

    it("waits for a process that is about to end, and that nobody knows", async () => {
      cluster.locks.set(0, "a stranger");
      const first = cluster.start(0);
      await cluster.pass(1500);
      cluster.locks.delete(0);
      await cluster.pass(1000);
      expect([await first.started, first.carried]).to.deep.equal(["started", [0]]);
    });

    it("fails where an unknown process keeps a partition", async () => {
      cluster.locks.set(1, "a stranger");
      const second = cluster.start(1);
      await cluster.pass(4000);
      expect(await second.started).to.equal("a partition must not be in use by another process: partition=2");
    });

    it("fails where its own partition cannot be opened", async () => {
      cluster.problems.set(0, "the journal is broken");
      const first = cluster.start(0);
      await cluster.pass(1000);
      expect(await first.started).to.equal("the journal is broken");
      expect([...cluster.locks]).to.deep.equal([]);
    });

    it("can be given up", async () => {
      const first = cluster.start(0);
      await cluster.pass(10);
      first.giveUpStart();
      await cluster.pass(100);
      expect(await first.started).to.equal("given up");
      await first.custody.close();
      expect([...cluster.locks]).to.deep.equal([]);
    });

    it("does without a partition of one that says nothing, and takes it when that one has ended", async () => {
      const [first, second] = await two();
      first.end();
      await cluster.pass(500);
      expect(second.carried).to.deep.equal([0, 1]);
      second.stop();
      const restarted = cluster.start(0);
      await cluster.pass(3000);
      expect([await restarted.started, restarted.carried]).to.deep.equal(["started", []]);
      second.end();
      await cluster.pass(4000);
      expect(restarted.carried).to.deep.equal([0, 1]);
    });
  });

  describe("when an instance dies", () => {
    it("gives what it had to the other, at once", async () => {
      const [first, second] = await two();
      second.end();
      await cluster.pass(150);
      expect([first.carried, first.custody.takeOverCount]).to.deep.equal([[0, 1], 1]);
    });

    it("gives it back, once the instance is back and warm, to one that has read along", async () => {
      const [first, second] = await two();
      second.end();
      await cluster.pass(1000);
      const back = cluster.start(1);
      await cluster.pass(4900);
      expect(carried()).to.deep.equal({ 0: [0, 1], 1: [] });
      await cluster.pass(400);
      expect(carried()).to.deep.equal({ 0: [0], 1: [1] });
      expect(first.events.slice(-3)).to.deep.equal(["carries 1", "prepares 1", "leaves 1"]);
      expect(back.events).to.deep.equal(["carries 1 on"]);
      expect([first.custody.handOverCount, back.custody.takeOverCount]).to.deep.equal([1, 1]);
      await cluster.pass(60_000);
      expect(carried()).to.deep.equal({ 0: [0], 1: [1] });
    });

    it("gives its partitions to the next ones in a circle, and to no two", async () => {
      cluster = new Cluster(new VirtualTime(), 3, 6);
      const [, second] = cluster.startAll();
      await cluster.pass(6000);
      expect(carried()).to.deep.equal({ 0: [0, 3], 1: [1, 4], 2: [2, 5] });
      second!.end();
      await cluster.pass(150);
      expect(carried()).to.deep.equal({ 0: [0, 3], 2: [1, 2, 4, 5] });
      cluster.at(2)!.end();
      await cluster.pass(150);
      expect(carried()).to.deep.equal({ 0: [0, 1, 2, 3, 4, 5] });
    });

    it("gives nothing to anybody where partitions cannot move", async () => {
      cluster.canMove = false;
      const [first, second] = await two();
      second.end();
      await cluster.pass(20_000);
      expect(first.carried).to.deep.equal([0]);
      cluster.start(1);
      await cluster.pass(1000);
      expect(carried()).to.deep.equal({ 0: [0], 1: [1] });
    });

    it("gives it to exactly one of two that claim it at once", async () => {
      for (let seed = 1; seed <= 20; seed++) {
        cluster = new Cluster(new VirtualTime(), 3, 3, seed);
        cluster.startAll();
        await cluster.pass(6000);
        cluster.at(1)!.end();
        // Both try again and again, so neither's turn is before the other's.
        cluster.locks.set(1, "a stranger");
        await cluster.pass(1000);
        expect(cluster.carried(), `seed=${seed}`).to.deep.equal({ 0: [0], 2: [2] });
        cluster.locks.delete(1);
        await cluster.pass(3000);
        const all = Object.values(cluster.carried()).flat();
        expect(all.sort(), `seed=${seed}`).to.deep.equal([0, 1, 2]);
      }
    });
  });

  describe("when an instance is stopped", () => {
    it("leaves what it has alone, and says that it is silent", async () => {
      const [first, second] = await two();
      second.stop();
      await cluster.pass(5000);
      expect([first.carried, first.custody.place(1)]).to.deep.equal([[0], "silent"]);
      second.goOn();
      await cluster.pass(300);
      expect(carried()).to.deep.equal({ 0: [0], 1: [1] });
      expect(first.custody.place(1)).to.deep.equal({ instance: 1 });
      expect([first, second].map(({ custody }) => custody.takeOverCount)).to.deep.equal([0, 0]);
    });

    it("takes over what it had once it is dead, though nobody said so yet", async () => {
      const [first, second] = await two();
      second.stop();
      await cluster.pass(5000);
      cluster.locks.delete(1);
      await cluster.pass(700);
      expect(first.carried).to.deep.equal([0, 1]);
    });

    it("tells it that it was stopped when it goes on", async () => {
      const [, second] = await two();
      second.stop();
      await cluster.pass(3000);
      expect(second.custody.stoppedWatch.wasStopped).to.equal(true);
      second.goOn();
      await cluster.pass(100);
      expect(second.custody.stoppedWatch.wasStopped).to.equal(true);
      await cluster.pass(400);
      expect(second.custody.stoppedWatch.wasStopped).to.equal(false);
    });
  });

  describe("when an instance is to end", () => {
    it("hands everything over to the other before that", async () => {
      const [first, second] = await two();
      const left = second.leave();
      await cluster.pass(200);
      await left;
      expect(second.events).to.deep.equal(["carries 1", "prepares 1", "leaves 1"]);
      expect(first.events).to.deep.equal(["carries 0", "carries 1 on"]);
      expect([first.carried, first.custody.takeOverCount, second.custody.handOverCount]).to.deep.equal([[0, 1], 1, 1]);
    });

    it("is not taken for one that was stopped, however long that takes", async () => {
      const [first, second] = await two();
      second.stepMs = 3000;
      const left = second.leave();
      for (let passedMs = 0; passedMs < 5000; passedMs += 100) {
        await cluster.pass(100);
        expect(second.custody.stoppedWatch.wasStopped, `passedMs=${passedMs}`).to.equal(false);
      }
      await cluster.pass(5000);
      await left;
      expect(first.carried).to.deep.equal([0, 1]);
    });

    it("closes in order where it is the only one", async () => {
      cluster = new Cluster(new VirtualTime(), 1, 2);
      const alone = cluster.start(0);
      await cluster.pass(200);
      expect(alone.carried).to.deep.equal([0, 1]);
      void alone.leave();
      await cluster.pass(100);
      expect([alone.life, [...cluster.locks]]).to.deep.equal(["gone", []]);
      expect(alone.events.slice(2)).to.deep.equal(["drains 0", "drains 1", "leaves 0", "leaves 1"]);
    });

    it("closes in order where nobody stays", async () => {
      const [first, second] = await two();
      let endedCount = 0;
      for (const instance of [first, second])
        void instance.leave().then(() => {
          endedCount++;
        });
      await cluster.pass(2500);
      expect([endedCount, [...cluster.locks]]).to.deep.equal([2, []]);
      expect(first.events).to.deep.equal(["carries 0", "drains 0", "leaves 0"]);
      expect(second.events).to.deep.equal(["carries 1", "drains 1", "leaves 1"]);
    });

    it("closes in order where the other cannot read along, which takes it over then", async () => {
      const [first, second] = await two();
      first.canFollow = false;
      void second.leave();
      await cluster.pass(1500);
      expect(second.events).to.deep.equal(["carries 1", "drains 1", "leaves 1"]);
      expect([first.carried, second.life]).to.deep.equal([[0, 1], "gone"]);
    });

    it("is ending only when nobody stays", async () => {
      const [first, second] = await two();
      expect(first.custody.isEnding).to.equal(false);
      void second.leave();
      expect([second.custody.isLeaving, second.custody.isEnding]).to.deep.equal([true, false]);
      await cluster.pass(1000);
      void first.leave();
      expect(first.custody.isEnding).to.equal(true);
    });

    it("takes nothing any more", async () => {
      const [first, second] = await two();
      first.canFollow = false;
      void first.leave();
      second.end();
      await cluster.pass(3000);
      expect(first.events.filter((event) => event.endsWith(" 1"))).to.deep.equal([]);
      expect(await first.custody.follow(1)).to.equal(false);
    });
  });

  describe("when an adoption fails", () => {
    it("is tried again every five seconds, and says why meanwhile", async () => {
      const [first, second] = await two();
      cluster.problems.set(1, "the journal is broken");
      second.end();
      await cluster.pass(4000);
      expect([first.carried, first.custody.problemOf(1)]).to.deep.equal([[0], "the journal is broken"]);
      expect([...cluster.locks.keys()]).to.deep.equal([0]);
      cluster.problems.clear();
      await cluster.pass(500);
      expect(first.carried).to.deep.equal([0]);
      await cluster.pass(1000);
      expect([first.carried, first.custody.problemOf(1)]).to.deep.equal([[0, 1], undefined]);
    });

    it("is left to one whose memory has room", async () => {
      cluster = new Cluster(new VirtualTime(), 3, 3);
      const [first, second, third] = cluster.startAll();
      await cluster.pass(6000);
      third!.refusal = "too large";
      second!.end();
      await cluster.pass(500);
      expect([first!.carried, third!.carried]).to.deep.equal([[0, 1], [2]]);
      expect(third!.custody.problemOf(1)).to.equal(undefined);
    });

    it("is not for want of memory at a start", async () => {
      const first = cluster.start(0);
      first.refusal = "too large";
      await cluster.pass(3500);
      expect(first.carried).to.deep.equal([0]);
      first.refusal = undefined;
      await cluster.pass(5000);
      expect(first.carried).to.deep.equal([0, 1]);
    });
  });

  describe("when a hand-over comes to nothing", () => {
    it("keeps the partition, and tries again less and less often", async () => {
      const [first, second] = await two();
      second.end();
      await cluster.pass(1000);
      const back = cluster.start(1);
      back.canFollow = false;
      await cluster.pass(14_000);
      expect(carried()).to.deep.equal({ 0: [0, 1], 1: [] });
      expect(first.custody.handOverCount).to.equal(0);
      back.canFollow = true;
      await cluster.pass(11_000);
      expect(carried()).to.deep.equal({ 0: [0], 1: [1] });
    });

    it("takes back what the heir dies with", async () => {
      const [first, second] = await two();
      second.end();
      await cluster.pass(1000);
      const back = cluster.start(1);
      await cluster.pass(5000);
      cluster.problems.set(1, "the journal is broken");
      await cluster.pass(1000);
      back.end();
      cluster.problems.clear();
      await cluster.pass(6000);
      expect(first.carried).to.deep.equal([0, 1]);
    });
  });

  it("wakes who waits for a change, or after a while", async () => {
    const [first, second] = await two();
    const woken: number[] = [];
    void first.custody.changed(5000).then(() => woken.push(cluster.time.nowMs));
    const beganAtMs = cluster.time.nowMs;
    second.end();
    await cluster.pass(100);
    expect(woken.map((atMs) => atMs - beganAtMs)).to.deep.equal([1]);
    await cluster.pass(1000);
    void first.custody.changed(300).then(() => woken.push(cluster.time.nowMs));
    await cluster.pass(301);
    expect(woken.length).to.equal(2);
  });

  it("never has a partition at two instances, whatever becomes of them", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      cluster = new Cluster(new VirtualTime(), 3, 4, seed);
      cluster.startAll();
      for (let step = 0; step < 60; step++) {
        const number = (step * 7 + seed * 5 + (step >> 2)) % 3;
        const instance = cluster.at(number);
        if (instance === undefined) cluster.start(number);
        else if ((step + seed) % 4 === 0) instance.end();
        else if ((step + seed) % 4 === 1) void instance.leave();
        await cluster.pass(((step * 13 + seed * 29) % 40) * 60);
        const all = Object.values(cluster.carried()).flat();
        expect(new Set(all).size, `seed=${seed} step=${step} ${JSON.stringify(cluster.carried())}`).to.equal(
          all.length,
        );
      }
      for (const number of [0, 1, 2]) if (cluster.at(number) === undefined) cluster.start(number);
      await cluster.pass(60_000);
      expect(cluster.carried(), `seed=${seed}`).to.deep.equal({ 0: [0, 3], 1: [1], 2: [2] });
    }
  });
});
