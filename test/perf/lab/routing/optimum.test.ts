import { expect } from "chai";
import { matchedCount, optimumOf } from "../../../../perf/lab/routing/optimum.ts";
import { isAllowed } from "../../../../perf/lab/routing/rule.ts";
import { type ProcessorWeather, type Spell, spellAt, type Weather } from "../../../../perf/lab/routing/weather.ts";
import { forSeeds } from "../../../support/random.ts";

const HEALTHY: Omit<Spell, "atMs"> = { delayMs: 10, failing: false, capacity: 100, queue: 500 };

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

/** The most that is earned by any schedule whose requests begin at whole tenths of a second. */
function bestByTrying({ processors, arrivalsMs, settleWithinMs, answerWithinMs }: Weather): number {
  const underWay: { by: number; fromMs: number; toMs: number }[] = [];
  const hasRoom = (by: number, fromMs: number): boolean => {
    const { delayMs, capacity } = spellAt(processors[by]!.spells, fromMs);
    // Whoever begins finds room, whether it was chosen before or after.
    const added = { by, fromMs, toMs: fromMs + delayMs };
    return [...underWay, added]
      .filter((begun) => begun.by === by)
      .every((begun, _, all) => {
        const most = begun === added ? capacity : spellAt(processors[by]!.spells, begun.fromMs).capacity;
        return all.filter((other) => other.fromMs <= begun.fromMs && other.toMs > begun.fromMs).length <= most;
      });
  };
  const best = (payment: number): number => {
    if (payment === arrivalsMs.length) return 0;
    let most = best(payment + 1);
    const acceptedAtMs = arrivalsMs[payment]!;
    for (const [by, { feePpm, spells }] of processors.entries()) {
      for (let fromMs = acceptedAtMs; fromMs <= acceptedAtMs + settleWithinMs; fromMs += 100) {
        const toMs = fromMs + spellAt(spells, fromMs).delayMs;
        if (toMs > acceptedAtMs + settleWithinMs || spellAt(spells, toMs).failing) continue;
        if (!isAllowed(processors, by, fromMs, answerWithinMs) || !hasRoom(by, fromMs)) continue;
        underWay.push({ by, fromMs, toMs });
        most = Math.max(most, 1 - feePpm / 1e6 + best(payment + 1));
        underWay.pop();
      }
    }
    return most;
  };
  return best(0);
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
    const narrow = [processor(50_000, { delayMs: 1000, capacity: 1, queue: 500 }), processor(150_000, {})];
    const arrivals = Array.from({ length: 100 }, () => 0);
    const earned = optimumOf(weather(narrow, arrivals, { answerWithinMs: 2000 }));
    // One or two by the cheaper one, and the bound may grant it its capacity twice.
    expect(earned).to.be.within(100 * 0.85 + 0.1, 100 * 0.85 + 0.5);
  });

  it("lets a processor begin at once with as many as it has room for", () => {
    const slow = [processor(50_000, { delayMs: 1500, capacity: 50 })];
    const burst = Array.from({ length: 50 }, () => 5000);
    expect(optimumOf(weather(slow, burst, { answerWithinMs: 2000 }))).to.be.closeTo(50 * 0.95, 1e-9);
  });

  it("lets a slow processor begin at once when the faster one stops working", () => {
    const faster = processor(150_000, {}, { atMs: 5000, failing: true });
    const slow = processor(50_000, { delayMs: 1500, capacity: 50 });
    const burst = Array.from({ length: 50 }, () => 5000);
    expect(optimumOf(weather([slow, faster], burst))).to.be.closeTo(50 * 0.95, 1e-9);
  });

  it("is no less than the best of all schedules, in random cases", () => {
    forSeeds(60, (random) => {
      const processors = [random.between(1, 9), random.between(10, 20)].map((percent) => {
        const spells = Array.from({ length: 3 }, (_, i) => ({
          atMs: i * 500,
          delayMs: random.between(1, 7) * 100,
          failing: random.chance(0.3),
          capacity: random.between(1, 2),
          queue: random.between(0, 2),
        }));
        return processor(percent * 10_000, ...spells);
      });
      const arrivals = Array.from({ length: 4 }, () => random.below(8) * 100).sort((a, b) => a - b);
      const short = { durationMs: 1000, settleWithinMs: random.between(3, 7) * 100, answerWithinMs: 300 };
      const tried = weather(processors, arrivals, short);
      expect(optimumOf(tried)).to.be.at.least(bestByTrying(tried) - 1e-9);
    });
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
