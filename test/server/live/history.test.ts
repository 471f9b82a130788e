import { expect } from "chai";
import { sparse } from "../../../server/live/reading.ts";
import { DurationHistogram, percentileMs } from "../../../server/meters/duration-histogram.ts";
import { difference, HISTORY_LENGTH, History, sum } from "../../../server/page/history.ts";
import type { Reading, Sample } from "../../../server/page/message.ts";

const START_MS = 1_700_000_000_000;

/** A reading of an instance that began to count at 0 and has been up for `atMs`. */
function readingOf(atMs: number, change: Partial<Reading> = {}): Reading {
  const processor = {
    name: "any",
    count: 0,
    cents: 0,
    attempts: 0,
    charges: 0,
    isDown: false,
    isFailing: false,
    minResponseMs: 0,
    inFlight: 0,
    limit: 16,
    expectedAnswerMs: 0,
    routed: [0, 0],
  };
  return {
    life: 1,
    atMs,
    refusal: null,
    partitions: [],
    accepted: 0,
    repeated: 0,
    conflicting: 0,
    full: 0,
    latency: [],
    pending: 0,
    sending: 0,
    inDoubt: 0,
    failed: 0,
    kept: 0,
    capacity: 100,
    cpuMs: 0,
    rssBytes: 0,
    processors: [{ ...processor }, { ...processor }],
    ...change,
  };
}

function sampleOf(second: number, ...instances: (Reading | null)[]): [Sample, number] {
  return [{ type: "sample", instances }, START_MS + second * 1000];
}

/** Cumulative buckets of these durations. */
function latencyOf(...durationsMs: number[]): number[] {
  const histogram = new DurationHistogram();
  for (const ms of durationsMs) histogram.record(ms);
  return sparse(histogram.counts);
}

describe("history of samples", () => {
  it("shows rates between two samples, by the instance's own clock", () => {
    const history = new History(1000);
    history.add(...sampleOf(0, readingOf(5000, { accepted: 100 })));
    expect(history.latest!.views[1]!.flow).to.equal(undefined);
    history.add(...sampleOf(1, readingOf(5500, { accepted: 150, cpuMs: 50 })));
    expect(history.latest!.views[1]!.flow).to.deep.include({ acceptedPerS: 100, cpuFraction: 0.1 });
  });

  it("takes the percentiles of all instances together from their buckets, not from their percentiles", () => {
    const history = new History(1000);
    history.add(...sampleOf(0, readingOf(0), readingOf(0)));
    const fast = Array.from({ length: 99 }, () => 1);
    history.add(
      ...sampleOf(1, readingOf(1000, { latency: latencyOf(...fast) }), readingOf(1000, { latency: latencyOf(100) })),
    );
    const [together, first, second] = history.latest!.views;
    const whole = new DurationHistogram();
    for (const ms of [...fast, 100]) whole.record(ms);
    expect(together!.flow!.p99Ms).to.equal(percentileMs(whole.counts, 99)).and.equal(first!.flow!.p99Ms);
    expect(second!.flow!.p50Ms).to.be.within(100, 113);
  });

  it("counts a new life from zero", () => {
    const history = new History(1000);
    history.add(...sampleOf(0, readingOf(60_000, { accepted: 5000 })));
    history.add(...sampleOf(1, null));
    expect(history.latest!.views).to.deep.equal([null, null]);
    history.add(...sampleOf(2, readingOf(500, { life: 2, accepted: 10 })));
    expect(history.latest!.views[1]!.flow!.acceptedPerS).to.equal(20);
  });

  it("goes on after an instance was silent in one life, with nothing lost", () => {
    const history = new History(1000);
    history.add(...sampleOf(0, readingOf(1000, { accepted: 10 }), readingOf(1000)));
    history.add(...sampleOf(1, null, readingOf(2000)));
    expect(history.latest!.views[0]!.standing.answeringCount).to.equal(1);
    history.add(...sampleOf(2, readingOf(3000, { accepted: 30 }), readingOf(3000)));
    expect(history.latest!.views[1]!.flow!.acceptedPerS).to.equal(10);
  });

  it("has the partitions of all instances together, and each one's own", () => {
    const partition = (number: number) => ({ partition: number, epoch: 1, state: "carried" as const, sinceMs: 0 });
    const history = new History(1000);
    const partitions = [partition(0), partition(1)];
    history.add(...sampleOf(0, ...partitions.map((own) => readingOf(0, { partitions: [own] }))));
    const [together, ...each] = history.latest!.views.map((point) => point!.standing.partitions);
    expect(together).to.deep.equal(partitions);
    expect(each).to.deep.equal(partitions.map((own) => [own]));
  });

  it("leaves a gap where it was not connected, and no rate over it", () => {
    const history = new History(1000);
    history.add(...sampleOf(0, readingOf(1000)));
    history.add(...sampleOf(1, readingOf(2000, { accepted: 7 })));
    history.add(...sampleOf(20, readingOf(21_000, { accepted: 700 })));
    expect(history.ticks.map(({ views }) => views.length)).to.deep.equal([2, 2, 0, 2]);
    expect(history.latest!.views[1]!.flow).to.equal(undefined);
    history.add(...sampleOf(21, readingOf(22_000, { accepted: 710 })));
    expect(history.latest!.views[1]!.flow!.acceptedPerS).to.equal(10);
  });

  it("leaves out a sample that comes right after another, and counts what it counted with the next", () => {
    const history = new History(1000);
    history.add(...sampleOf(0, readingOf(1000)));
    history.add(...sampleOf(0.1, readingOf(1100, { accepted: 5 })));
    history.add(...sampleOf(1, readingOf(2000, { accepted: 8 })));
    expect(history.ticks).to.have.length(2);
    expect(history.latest!.views[1]!.flow!.acceptedPerS).to.equal(8);
  });

  it("keeps the last minutes and no more", () => {
    const history = new History(1000);
    for (let second = 0; second < HISTORY_LENGTH + 50; second++)
      history.add(...sampleOf(second, readingOf(second * 1000)));
    expect(history.ticks).to.have.length(HISTORY_LENGTH);
    expect(history.latest!.atS).to.equal(START_MS / 1000 + HISTORY_LENGTH + 49);
  });

  it("takes the worst of what the instances think of a processor", () => {
    const history = new History(1000);
    const down = readingOf(0);
    down.processors[0]!.isDown = true;
    const failing = readingOf(0);
    failing.processors[0]!.isFailing = true;
    history.add(...sampleOf(0, failing, down));
    expect(history.latest!.views.map((point) => point!.standing.processors[0]!.state)).to.deep.equal([
      "down",
      "failing",
      "down",
    ]);
    expect(history.latest!.views[0]!.standing.processors[1]!.state).to.equal("up");
  });
});

describe("differences of sparse histograms", () => {
  it("added up again are the later one", () => {
    const earlier = latencyOf(0.2, 3, 3);
    const later = latencyOf(0.2, 3, 3, 0.2, 50);
    const total = sum([difference(later, earlier), difference(earlier, [])]);
    expect(sparse(total)).to.deep.equal(later);
    expect([...difference(later, earlier)].reduce((so, count) => so + count, 0)).to.equal(2);
  });

  it("of nothing are nothing", () => {
    expect(difference([], [])).to.have.length(0);
    expect(sum([])).to.have.length(0);
  });
});
