import { expect } from "chai";
import { optimumOf } from "../../../../perf/lab/routing/optimum.ts";
import { POLICIES } from "../../../../perf/lab/routing/policies/policies.ts";
import { runWeather } from "../../../../perf/lab/routing/run.ts";
import { contestWeathers, randomWeather, spellAt, type Weather } from "../../../../perf/lab/routing/weather.ts";

const STEADY: Weather = {
  name: "test",
  durationMs: 20_000,
  processors: [50_000, 150_000].map((feePpm) => ({
    feePpm,
    spells: [{ atMs: 0, delayMs: 20, failing: false, capacity: 100, queue: 500 }],
  })),
  arrivalsMs: Float64Array.from({ length: 1000 }, (_, i) => i * 20),
  settleWithinMs: 2000,
  answerWithinMs: 1000,
  waitsForSlow: true,
};

/** The same, but for the cheaper processor. */
function withSpells(...spells: Weather["processors"][number]["spells"]): Weather {
  const [cheap, dear] = STEADY.processors;
  return { ...STEADY, processors: [{ ...cheap!, spells }, dear!] };
}

/** Both fail from 5 s on; the cheaper one and the dearer one each until a time of its own. */
function bothDown(cheapUntilMs: number, dearUntilMs: number): Weather {
  const [cheap, dear] = STEADY.processors;
  const spells = (untilMs: number) => [
    { atMs: 0, delayMs: 20, failing: false, capacity: 100, queue: 500 },
    { atMs: 5000, delayMs: 20, failing: true, capacity: 100, queue: 500 },
    { atMs: untilMs, delayMs: 20, failing: false, capacity: 100, queue: 500 },
  ];
  const processors = [
    { ...cheap!, spells: spells(cheapUntilMs) },
    { ...dear!, spells: spells(dearUntilMs) },
  ];
  return { ...STEADY, processors };
}

describe("a weather in virtual time", () => {
  it("is the same again from the same seed, and its outcome too", () => {
    for (const seed of [1, 2, 3]) {
      expect(randomWeather(seed)).to.deep.equal(randomWeather(seed));
      expect(runWeather(randomWeather(seed), undefined)).to.deep.equal(runWeather(randomWeather(seed), undefined));
    }
    expect(randomWeather(1)).to.not.deep.equal(randomWeather(2));
  });

  it("has everything charged by the cheapest while nothing is wrong", () => {
    for (const make of Object.values(POLICIES)) {
      const result = runWeather(STEADY, make);
      expect(result).to.deep.include({ inTimeCount: 1000, lagCount: 0, lostCount: 0, perProcessor: [1000, 0] });
      expect(result.earned).to.be.closeTo(optimumOf(STEADY), 1e-6);
    }
  });

  it("lets a request that began while the processor failed be charged once that works", () => {
    const spells = [
      { atMs: 0, delayMs: 1500, failing: true, capacity: 100, queue: 500 },
      { atMs: 100, delayMs: 20, failing: false, capacity: 100, queue: 500 },
    ];
    const { lostCount, perProcessor } = runWeather(withSpells(...spells), POLICIES["cheapest only"]);
    expect([lostCount, perProcessor]).to.deep.equal([0, [1000, 0]]);
  });

  it("has nothing charged by a dearer one where only the cheapest is used, even as that comes back first", () => {
    const both = bothDown(15_000, 10_000);
    expect(runWeather(both, POLICIES["cheapest only"]).perProcessor).to.deep.equal([1000, 0]);
  });

  it("probes a dearer processor only with what has waited long enough", () => {
    const patient = { ...bothDown(15_000, 10_000), settleWithinMs: 60_000 };
    expect(runWeather(patient, POLICIES["two patiences"]).perProcessor).to.deep.equal([1000, 0]);
    const { lostCount, perProcessor } = runWeather(bothDown(60_000, 10_000), POLICIES["two patiences"]);
    // Its patience is one second here, and only what has waited for that long can find out.
    expect([lostCount, perProcessor[1]! > 0]).to.deep.equal([0, true]);
  });

  it("goes back to a dearer processor that failed while the cheapest worked", () => {
    const ok = { delayMs: 20, failing: false, capacity: 100, queue: 500 };
    const narrow = { atMs: 14_000, delayMs: 1000, failing: false, capacity: 5, queue: 500 };
    const failed = [
      { atMs: 0, ...ok },
      { atMs: 2000, ...ok, failing: true },
      { atMs: 8000, ...ok },
    ];
    const [cheap, dear] = withSpells({ atMs: 0, ...ok }, narrow).processors;
    const processors = [cheap!, { ...dear!, spells: failed }];
    for (const policy of ["fail over at once", "120 ms rule"]) {
      const { perProcessor } = runWeather({ ...STEADY, processors }, POLICIES[policy]);
      expect(perProcessor[1], policy).to.be.above(100);
    }
  });

  it("puts what is not answered in doubt, and charges nothing twice", () => {
    const spells = [
      { atMs: 0, delayMs: 20, failing: false, capacity: 100, queue: 500 },
      { atMs: 5100, delayMs: 15_000, failing: false, capacity: 100, queue: 500 },
      { atMs: 40_000, delayMs: 20, failing: false, capacity: 100, queue: 500 },
    ];
    const result = runWeather(withSpells(...spells), undefined);
    expect(result.doubtCount).to.be.above(0);
    expect([result.lostCount, result.perProcessor[0]! + result.perProcessor[1]!]).to.deep.equal([0, 1000]);
  });

  it("credits what broke the rule on answer times no more than who kept to it", () => {
    const slow = withSpells({ atMs: 0, delayMs: 1500, failing: false, capacity: 100, queue: 500 });
    const result = runWeather(slow, POLICIES["cheapest only"]);
    expect(result.perProcessor).to.deep.equal([1000, 0]);
    expect(result.earned / result.inTimeCount).to.be.closeTo(0.85, 1e-6);
  });

  it("finds a processor's spells by time", () => {
    const [one, two] = [0, 100].map((atMs) => ({ atMs, delayMs: atMs, failing: false, capacity: 1, queue: 500 }));
    expect([0, 99, 100, 1e9].map((atMs) => spellAt([one!, two!], atMs).delayMs)).to.deep.equal([0, 0, 100, 100]);
  });

  it("of the contest's scripts has the product near the optimum, and without lag", function () {
    this.timeout(60_000);
    for (const weather of contestWeathers(60_000, 1200)) {
      const { earned, paymentCount, lagCount, lostCount } = runWeather(weather, undefined);
      const lossBp = ((optimumOf(weather) - earned) / paymentCount) * 1e4;
      expect(lossBp, weather.name).to.be.within(-0.5, 15);
      expect([lagCount, lostCount], weather.name).to.deep.equal([0, 0]);
    }
  });
});
