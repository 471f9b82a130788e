import { expect } from "chai";
import { ArrivalLog } from "../../perf/processor/arrival-log.ts";
import { ConcurrencyLimiter } from "../../perf/processor/concurrency-limiter.ts";
import { DelayQueue } from "../../perf/processor/delay-queue.ts";
import { HealthWindow } from "../../perf/processor/health-window.ts";

describe("processor concurrency limiter", () => {
  const limits = { inFlightCountMax: 2, queuedCountMax: 2 };

  function named(name: string, started: string[]) {
    return { start: () => void started.push(name) };
  }

  it("starts, then queues, then refuses", () => {
    const limiter = new ConcurrencyLimiter(limits);
    const verdicts = ["a", "b", "c", "d", "e"].map((name) => limiter.enter(named(name, [])));
    expect(verdicts).to.deep.equal(["started", "started", "queued", "queued", "refused"]);
    expect([limiter.inFlightCount, limiter.queuedCount]).to.deep.equal([2, 2]);
  });

  it("gives a freed place to the oldest queued one", () => {
    const limiter = new ConcurrencyLimiter(limits);
    const started: string[] = [];
    for (const name of ["a", "b", "c", "d"]) limiter.enter(named(name, started));
    limiter.leave();
    expect(started).to.deep.equal(["c"]);
    expect(limiter.enter(named("e", started))).to.equal("queued");
    limiter.leave();
    limiter.leave();
    expect(started).to.deep.equal(["c", "d", "e"]);
    limiter.leave();
    limiter.leave();
    expect([limiter.inFlightCount, limiter.queuedCount]).to.deep.equal([0, 0]);
  });

  it("does not start one that gave up, and frees its queue place", () => {
    const limiter = new ConcurrencyLimiter(limits);
    const started: string[] = [];
    const c = named("c", started);
    for (const request of [named("a", started), named("b", started), c, named("d", started)]) limiter.enter(request);
    expect(limiter.giveUp(c)).to.equal(true);
    expect(limiter.giveUp(c)).to.equal(false);
    expect(limiter.enter(named("e", started))).to.equal("queued");
    limiter.leave();
    limiter.leave();
    expect(started).to.deep.equal(["d", "e"]);
  });

  it("hands over a long queue of requests that finish at once without nesting", () => {
    const count = 20_000;
    const limiter = new ConcurrencyLimiter({ inFlightCountMax: 1, queuedCountMax: count });
    let finishedCount = 0;
    limiter.enter({ start: () => {} });
    for (let i = 0; i < count; i++) {
      limiter.enter({
        start() {
          finishedCount++;
          limiter.leave();
        },
      });
    }
    limiter.leave();
    expect(finishedCount).to.equal(count);
    expect([limiter.inFlightCount, limiter.queuedCount]).to.deep.equal([0, 0]);
  });
});

describe("processor delay queue", () => {
  it("wakes whoever is due first, whatever delay they came with, and nobody early", () => {
    const queue = new DelayQueue<string>();
    expect(queue.nextDueMs()).to.equal(Number.POSITIVE_INFINITY);
    queue.add("slow", 2000, 0);
    queue.add("slow too", 2000, 1);
    queue.add("quick", 20, 100);
    expect(queue.nextDueMs()).to.equal(120);
    expect(queue.takeDue(119.9)).to.equal(undefined);
    expect(queue.takeDue(120)).to.equal("quick");
    expect(queue.takeDue(1999)).to.equal(undefined);
    expect([queue.takeDue(5000), queue.takeDue(5000), queue.takeDue(5000)]).to.deep.equal([
      "slow",
      "slow too",
      undefined,
    ]);
    expect(queue.nextDueMs()).to.equal(Number.POSITIVE_INFINITY);
  });
});

describe("processor health window", () => {
  const limits = { windowMs: 5000, heldCountMax: 2 };

  it("answers one, holds two and refuses the fourth", () => {
    const window = new HealthWindow<string>(limits);
    const verdicts = ["a", "b", "c", "d"].map((caller, i) => window.arrive(caller, 1000 + i));
    expect(verdicts).to.deep.equal(["granted", "held", "held", "refused"]);
    expect(window.nextDueMs()).to.equal(6000);
    expect(window.takeDue(5999)).to.equal(undefined);
    expect(window.takeDue(6000)).to.equal("b");
    expect(window.takeDue(6000)).to.equal(undefined);
    expect(window.nextDueMs()).to.equal(11_000);
    expect(window.arrive("e", 7000)).to.equal("held");
    expect(window.takeDue(11_000)).to.equal("c");
    expect(window.takeDue(16_001)).to.equal("e");
    expect(window.nextDueMs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it("is a fixed window: late in one and early in the next are both answered at once", () => {
    const window = new HealthWindow<string>(limits);
    expect(window.arrive("a", 0)).to.equal("granted");
    expect(window.arrive("b", 9900)).to.equal("granted");
    expect(window.arrive("c", 10_000)).to.equal("granted");
    expect(window.arrive("d", 14_999)).to.equal("held");
    expect(window.takeDue(15_000)).to.equal("d");
  });

  it("answers at most one call per window, whatever the arrivals", () => {
    const window = new HealthWindow<number>(limits);
    const grantedPerWindow = new Map<number, number>();
    const grant = (nowMs: number) => {
      const index = Math.floor(nowMs / limits.windowMs);
      grantedPerWindow.set(index, (grantedPerWindow.get(index) ?? 0) + 1);
    };
    for (let nowMs = 0; nowMs < 100_000; nowMs += 250) {
      if (window.takeDue(nowMs) !== undefined) grant(nowMs);
      if (window.arrive(nowMs, nowMs) === "granted") grant(nowMs);
    }
    expect([...grantedPerWindow.values()].every((count) => count === 1)).to.equal(true);
    expect(grantedPerWindow.size).to.equal(20);
  });

  it("lets a held caller that hangs up leave its place to another", () => {
    const window = new HealthWindow<string>(limits);
    for (const caller of ["a", "b", "c"]) window.arrive(caller, 0);
    expect(window.hangUp("b")).to.equal(true);
    expect(window.hangUp("b")).to.equal(false);
    expect(window.arrive("d", 1)).to.equal("held");
    expect([window.takeDue(5000), window.takeDue(10_000)]).to.deep.equal(["c", "d"]);
  });

  it("starts a window of its own after ten idle seconds", () => {
    const window = new HealthWindow<string>(limits);
    expect(window.arrive("a", 0)).to.equal("granted");
    // Free since 5000; the old grid would end a window at 20 000.
    expect(window.arrive("b", 19_000)).to.equal("granted");
    expect(window.arrive("c", 20_500)).to.equal("held");
    expect(window.nextDueMs()).to.equal(24_000);
  });
});

describe("processor arrival log", () => {
  it("remembers the last arrivals, oldest first, and counts all", () => {
    const log = new ArrivalLog(3);
    expect(log.recent()).to.deep.equal([]);
    for (const ms of [1, 2.0004, 3, 4]) log.record(ms);
    expect(log.count).to.equal(4);
    expect(log.recent()).to.deep.equal([2, 3, 4]);
  });
});
