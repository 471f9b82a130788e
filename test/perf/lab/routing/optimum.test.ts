import { expect } from "chai";
import { matchedCount, optimumOf } from "../../../../perf/lab/routing/optimum.ts";
import type { ProcessorWeather, Spell, Weather } from "../../../../perf/lab/routing/weather.ts";
import { forSeeds } from "../../../support/random.ts";

const HEALTHY: Omit<Spell, "atMs"> = { delayMs: 10, failing: false, capacity: 100 };

function weather(
  processors: readonly ProcessorWeather[],
  arrivalsMs: readonly number[],
  more: Partial<Weather> = {},
): Weather {
  return {
    name: "test",
    durationMs: 60_000,
    processors,
    arrivalsMs: Float64Array.from(arrivalsMs),
    settleWithinMs: 2000,
    answerWithinMs: 1000,
    waitsForSlow: true,
    ...more,
  };
}

const processor = (feePpm: number, ...spells: Partial<Spell>[]): ProcessorWeather => ({
  feePpm,
  spells: spells.map((spell) => ({ atMs: 0, ...HEALTHY, ...spell })),
});

/** The most payments that can have a slot each, by trying (augmenting paths). */
function matchedByTrying(arrivalsMs: readonly number[], slots: readonly { fromMs: number; toMs: number }[]): number {
  const takenBy = new Map<number, number>();
  const assign = (payment: number, seen: Set<number>): boolean => {
    for (const [i, slot] of slots.entries()) {
      if (seen.has(i) || arrivalsMs[payment]! < slot.fromMs || arrivalsMs[payment]! > slot.toMs) continue;
      seen.add(i);
      const other = takenBy.get(i);
      if (other !== undefined && !assign(other, seen)) continue;
      takenBy.set(i, payment);
      return true;
    }
    return false;
  };
  return arrivalsMs.filter((_, payment) => assign(payment, new Set())).length;
}

describe("clairvoyant optimum", () => {
  it("is everything less the least fee where the cheapest takes all", () => {
    const two = [processor(50_000, {}), processor(150_000, {})];
    expect(optimumOf(weather(two, [0, 10, 20]))).to.be.closeTo(3 * 0.95, 1e-9);
  });

  it("waits for the cheapest where that is back in time, and not where it is not", () => {
    const back = (atMs: number) => [processor(50_000, { failing: true }, { atMs }), processor(150_000, {})];
    expect(optimumOf(weather(back(1500), [0]))).to.be.closeTo(0.95, 1e-9);
    expect(optimumOf(weather(back(2500), [0]))).to.be.closeTo(0.85, 1e-9);
  });

  it("uses no processor that answers too late while a faster one works", () => {
    const slow = [processor(50_000, { delayMs: 1500 }), processor(150_000, {})];
    expect(optimumOf(weather(slow, [0]))).to.be.closeTo(0.85, 1e-9);
    expect(optimumOf(weather(slow.slice(0, 1), [0]))).to.be.closeTo(0.95, 1e-9);
  });

  it("earns nothing for what nobody can charge in time", () => {
    expect(optimumOf(weather([processor(50_000, { failing: true })], [0, 1]))).to.equal(0);
  });

  it("gives the dearer processor only what the cheaper has no room for", () => {
    const narrow = [processor(50_000, { delayMs: 1000, capacity: 1 }), processor(150_000, {})];
    const arrivals = Array.from({ length: 100 }, () => 0);
    const earned = optimumOf(weather(narrow, arrivals, { answerWithinMs: 2000 }));
    // One or two by the cheaper one, and the bound may grant it its capacity twice.
    expect(earned).to.be.within(100 * 0.85 + 0.1, 100 * 0.85 + 0.5);
  });

  it("finds the largest matching: as many as by trying, in random cases", () => {
    forSeeds(200, (random) => {
      const arrivals = Array.from({ length: random.between(1, 10) }, () => random.below(20)).sort((a, b) => a - b);
      const slots = Array.from({ length: random.between(1, 10) }, () => {
        const fromMs = random.below(20);
        return { fromMs, toMs: fromMs + random.below(8), count: 1 };
      });
      // Those that begin later end later, or at once: as a processor's slots do, with several delays between them.
      expect(matchedCount(Float64Array.from(arrivals), slots)).to.equal(matchedByTrying(arrivals, slots));
    });
  });
});
