import { expect } from "chai";
import fc from "fast-check";
import * as Outcome from "../../../core/values/outcome.ts";
import { formatUuid } from "../../../core/values/uuid.ts";
import { combineParts, isProblem, parseWindow, summaryPart, type Window } from "../../../server/payments/summary.ts";
import { formatTimestamp } from "../../../server/text/timestamp.ts";
import { EngineLife, NOON_MS } from "../../support/engine-life.ts";
import { forAll, forSeeds } from "../../support/random.ts";

const NOON = "2025-07-15T12:00:00.000Z";
const OPEN: Window = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

/** As a form or URLSearchParams would send it. */
function windowOf(ends: { from?: string; to?: string }): Window {
  const window = parseWindow(new URLSearchParams(ends).toString());
  if (isProblem(window)) throw new Error(window.detail);
  return window;
}

describe("summary window", () => {
  it("is open at the ends that are not given or empty, each on its own", () => {
    for (const query of ["", "from", "to=&from=", "from=", "limit=10", "From=x"])
      expect(parseWindow(query), query).to.deep.equal(OPEN);
    expect(windowOf({ from: NOON })).to.deep.equal({ ...OPEN, fromMs: NOON_MS });
    expect(windowOf({ to: NOON, from: "" })).to.deep.equal({ ...OPEN, toMs: NOON_MS });
    expect(windowOf({ from: NOON, to: NOON })).to.deep.equal({ fromMs: NOON_MS, toMs: NOON_MS });
  });

  const sent: Record<string, string> = {
    "an offset, encoded": "2025-07-15T09:00:00-03:00",
    "an offset with a raw plus": "2025-07-15T15:00:00+03:00",
    "an offset whose plus became %20 on the way": "2025-07-15T15:00:00%2003:00",
    "an offset, all encoded": "2025-07-15T15%3A00%3A00%2B03%3A00",
    "a plus for the space": "2025-07-15+12:00:00",
    "%20 for the space": "2025-07-15%2012:00:00.000",
    "no zone": "2025-07-15T12:00:00",
  };
  for (const [what, text] of Object.entries(sent)) {
    it(`may be sent with ${what}`, () => {
      expect(parseWindow(`from=${text}&to=${text}`)).to.deep.equal({ fromMs: NOON_MS, toMs: NOON_MS });
    });
  }

  it("of dates alone has the whole of both days, in UTC", () => {
    expect(windowOf({ from: "2024-02-28", to: "2024-02-29" })).to.deep.equal({
      fromMs: Date.UTC(2024, 1, 28),
      toMs: Date.UTC(2024, 2, 1) - 1,
    });
  });

  it("is narrowed, never widened, by parts of a millisecond", () => {
    expect(windowOf({ from: "2025-07-15T12:00:00.0000001Z" })).to.deep.include({ fromMs: NOON_MS + 1 });
    expect(windowOf({ from: `2025-07-15T12:00:00.${"0".repeat(300)}1Z` })).to.deep.include({ fromMs: NOON_MS + 1 });
    expect(windowOf({ from: "2025-07-15T12:00:00.001000Z" })).to.deep.include({ fromMs: NOON_MS + 1 });
    expect(windowOf({ to: "2025-07-15T12:00:00.0019999Z" })).to.deep.include({ toMs: NOON_MS + 1 });
  });

  it("holds exactly the milliseconds between its ends", () => {
    const micros = fc.integer({ min: 0, max: 5000 });
    forAll(fc.tuple(micros, micros, fc.integer({ min: 0, max: 5 })), ([fromUs, toUs, ms]) => {
      const text = (us: number): string => `2025-07-15T12:00:00.${String(us).padStart(6, "0")}Z`;
      const window = windowOf({ from: text(fromUs), to: text(toUs) });
      const holds = NOON_MS + ms >= window.fromMs && NOON_MS + ms <= window.toMs;
      expect(holds).to.equal(ms * 1000 >= fromUs && ms * 1000 <= toUs);
    });
  });

  for (const text of [
    "yesterday",
    "2025-07",
    "2025-02-30",
    "2025-07-15Z",
    "2025-02-30T00:00:00Z",
    "%",
    "%zz",
    "\ud83d\udd5b",
  ]) {
    it(`with an end of "${text}" is a problem that names the end and the rule`, () => {
      for (const field of ["from", "to"] as const) {
        const window = parseWindow(`${field}=${text}&${field === "from" ? "to" : "from"}=${NOON}`);
        if (!isProblem(window)) throw new Error("must be a problem");
        expect(window).to.include({ status: 400, field });
        expect(window.detail).to.contain(`${field} must be an ISO 8601 date or timestamp`);
        expect(window.detail).to.contain(`${field}=${JSON.stringify(text)}`);
      }
    });
  }

  it("with an end that is given twice is a problem: nobody knows which is meant", () => {
    expect(parseWindow(`from=${NOON}&from=2025-07-16`)).to.include({ status: 400, field: "from" });
  });
});

describe("summary", () => {
  const processors = ["default", "fallback"];

  it("adds up the parts of all instances, exactly at any size", () => {
    const huge = Number.MAX_SAFE_INTEGER;
    const parts = [
      { processors, totals: [3, 5970, 1, 1], settledUntilMs: NOON_MS + 7 },
      { processors, totals: [huge, huge, 0, 0], settledUntilMs: NOON_MS },
      { processors, totals: [huge, huge, 2, 99], settledUntilMs: NOON_MS + 9 },
    ];
    const { body, settledUntil } = combineParts(parts);
    const total = (BigInt(huge) * 2n + 5970n).toString().replace(/(..)$/, ".$1");
    expect(body).to.equal(
      `{"default":{"totalRequests":18014398509481985,"totalAmount":${total}},` +
        '"fallback":{"totalRequests":3,"totalAmount":1.00}}',
    );
    expect(settledUntil).to.equal(NOON);
  });

  it("of nothing is zeros", () => {
    const { body } = combineParts([{ processors, totals: [0, 0, 0, 0], settledUntilMs: NOON_MS }]);
    expect(JSON.parse(body)).to.deep.equal({
      default: { totalRequests: 0, totalAmount: 0 },
      fallback: { totalRequests: 0, totalAmount: 0 },
    });
  });

  it("counts what is processed, under its processor, within the window, both ends included", () => {
    const life = new EngineLife();
    life.accept(0, "00000000-0000-4000-8000-000000000001", 100);
    life.settle(15, life.send(10), Outcome.CHARGED);
    life.accept(16, "00000000-0000-4000-8000-000000000002", 50);
    life.settle(25, life.send(20), Outcome.FAILING);
    life.settle(35, life.send(30), Outcome.CHARGED);
    const totals = (fromMs: number, toMs: number): number[] =>
      summaryPart(life.engine, { fromMs: NOON_MS + fromMs, toMs: NOON_MS + toMs }, NOON_MS + 40).totals;
    expect(totals(0, 40)).to.deep.equal([1, 100, 1, 50]);
    expect(totals(10, 30)).to.deep.equal([1, 100, 1, 50]);
    expect(totals(11, 30)).to.deep.equal([0, 0, 1, 50]);
    expect(totals(10, 29)).to.deep.equal([1, 100, 0, 0]);
    expect(totals(20, 20)).to.deep.equal([0, 0, 0, 0]);
    expect(totals(30, 10)).to.deep.equal([0, 0, 0, 0]);
    expect(summaryPart(life.engine, OPEN, NOON_MS + 40).totals).to.deep.equal([1, 100, 1, 50]);
  });

  it("is settled until the earliest requestedAt that is in flight or in doubt, or until now", () => {
    const life = new EngineLife();
    const settledUntil = (atMs: number): number => {
      // What has happened is written: before that it could be undone by a crash.
      life.engine.batch.clear();
      return summaryPart(life.engine, OPEN, NOON_MS + atMs).settledUntilMs - NOON_MS;
    };
    expect(settledUntil(0)).to.equal(0);
    life.accept(1, "00000000-0000-4000-8000-000000000001", 100);
    life.accept(1, "00000000-0000-4000-8000-000000000002", 100);
    expect(settledUntil(5)).to.equal(5);
    const first = life.send(10);
    const second = life.send(20);
    expect(settledUntil(30)).to.equal(10);
    life.settle(40, first, Outcome.TIMED_OUT);
    expect(settledUntil(50)).to.equal(10);
    life.settle(60, second, Outcome.CHARGED);
    expect(settledUntil(70)).to.equal(10);
    life.settle(2000, life.send(1000), Outcome.FOUND);
    expect(settledUntil(2010)).to.equal(2010);
  });

  it("of a window that ends before the watermark never changes any more", () => {
    forSeeds(200, (random) => {
      const life = new EngineLife({ capacity: 256 });
      const flights: number[] = [];
      const finals: { untilMs: number; totals: number[] }[] = [];
      for (let nowMs = 0; nowMs < 400; nowMs += random.below(4)) {
        const flight = flights[random.below(flights.length || 1)];
        if (random.chance(0.3)) life.accept(nowMs, formatUuid(random.uuid()), random.between(1, 1000));
        else if (random.chance(0.4)) {
          const next = life.engine.dispatch(NOON_MS + nowMs);
          if (next >= 0) flights.push(next);
        } else if (flight !== undefined) {
          flights.splice(flights.indexOf(flight), 1);
          life.settle(
            nowMs,
            flight,
            random.pick([Outcome.CHARGED, Outcome.CHARGED, Outcome.CHARGED, Outcome.FAILING, Outcome.TIMED_OUT]),
          );
        } else {
          const { settledUntilMs } = summaryPart(life.engine, OPEN, NOON_MS + nowMs);
          const untilMs = settledUntilMs - 1;
          finals.push({
            untilMs,
            totals: summaryPart(life.engine, { ...OPEN, toMs: untilMs }, NOON_MS + nowMs).totals,
          });
        }
      }
      for (const { untilMs, totals } of finals) {
        const later = summaryPart(life.engine, { ...OPEN, toMs: untilMs }, NOON_MS + 1000).totals;
        expect(later, formatTimestamp(untilMs)).to.deep.equal(totals);
      }
    });
  });
});
