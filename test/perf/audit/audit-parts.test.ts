import { expect } from "chai";
import { centsOfDecimal, parseWithDecimals } from "../../../perf/audit/cents.ts";
import { type FindingKind, judgeCharge } from "../../../perf/audit/finding.ts";
import { narrow } from "../../../perf/audit/narrow.ts";
import { type Charge, ProcessorAdmin } from "../../../perf/audit/processor-admin.ts";
import type { LedgerEntry } from "../../../perf/audit/service-api.ts";
import { halves, isWithin, readMomentMs, type TimeWindow, windowQuery } from "../../../perf/audit/window.ts";

describe("audit amounts", () => {
  it("are exact at any size", () => {
    expect(centsOfDecimal("19.9")).to.equal(1990n);
    expect(centsOfDecimal("0.05")).to.equal(5n);
    expect(centsOfDecimal("-3")).to.equal(-300n);
    expect(centsOfDecimal("1.2300")).to.equal(123n);
    expect(centsOfDecimal("90071992547409931234.99")).to.equal(9007199254740993123499n);
    for (const none of ["", "1.234", "1e3", ".5", "NaN"]) expect(centsOfDecimal(none), none).to.equal(undefined);
  });

  it("come out of JSON as they were written", () => {
    const json = '{"default":{"totalRequests":3,"totalAmount":90071992547409931234.10},"amount": 19.90}';
    expect(parseWithDecimals(json)).to.deep.equal({
      default: { totalRequests: 3, totalAmount: "90071992547409931234.10" },
      amount: "19.90",
    });
  });
});

describe("audit window", () => {
  it("reaches to the end of its last millisecond", () => {
    const query = windowQuery({ fromMs: 0, toMs: 1_000 });
    expect(query).to.equal("from=1970-01-01T00:00:00.000Z&to=1970-01-01T00:00:01.000999Z");
  });

  it("is halved without a gap or an overlap down to one millisecond", () => {
    expect(halves({ fromMs: 5, toMs: 5 })).to.equal(undefined);
    expect(halves({ fromMs: 5, toMs: 6 })).to.deep.equal([
      { fromMs: 5, toMs: 5 },
      { fromMs: 6, toMs: 6 },
    ]);
    expect(halves({ fromMs: 0, toMs: 10 })).to.deep.equal([
      { fromMs: 0, toMs: 5 },
      { fromMs: 6, toMs: 10 },
    ]);
  });

  it("has ends that are moments with a zone", () => {
    expect(readMomentMs("from", "2025-07-15T12:34:56.789Z")).to.equal(Date.UTC(2025, 6, 15, 12, 34, 56, 789));
    expect(readMomentMs("from", "2025-07-15T12:34:56+02:00")).to.equal(Date.UTC(2025, 6, 15, 10, 34, 56));
    for (const wrong of ["yesterday", "2025-07-15", "2025-07-15T12:34:56"]) {
      expect(() => readMomentMs("to", wrong)).to.throw(
        `to must be a moment such as 2025-07-15T12:34:56.789Z: to=${wrong}`,
      );
    }
  });
});

describe("audit search", () => {
  const window: TimeWindow = { fromMs: 0, toMs: 86_400_000 };

  it("finds the milliseconds that differ, and asks little", async () => {
    const different = [0, 17, 18, 43_000_000, 86_400_000];
    let questionCount = 0;
    const differs = async (part: TimeWindow): Promise<boolean> => {
      questionCount++;
      return different.some((ms) => isWithin(ms, part));
    };
    const { windows, isComplete } = await narrow(window, 100, differs);
    expect(windows).to.deep.equal(different.map((ms) => ({ fromMs: ms, toMs: ms })));
    expect(isComplete).to.equal(true);
    expect(questionCount).to.be.lessThan(5 * 2 * 28);
  });

  it("stops when it has found enough", async () => {
    const found = await narrow(window, 3, async () => true);
    expect(found.windows).to.have.length(3);
    expect(found.isComplete).to.equal(false);
  });

  it("finds nothing where nothing differs", async () => {
    expect(await narrow(window, 3, async () => false)).to.deep.equal({ windows: [], isComplete: true });
  });
});

describe("audit of one charge", () => {
  const charge: Charge = { correlationId: "a", cents: 1990n, requestedAtMs: 1000 };
  const entry: LedgerEntry = { ...charge, state: "processed", processor: "default" };
  const cases: [string, LedgerEntry | undefined, FindingKind | undefined][] = [
    ["agrees", entry, undefined],
    ["is unknown to the service", undefined, "extra"],
    ["is not counted yet", { ...entry, state: "pending", processor: null, requestedAtMs: null }, "not counted"],
    ["is in doubt", { ...entry, state: "in doubt" }, "not counted"],
    ["is counted elsewhere", { ...entry, processor: "fallback" }, "wrong processor"],
    ["is counted with another amount", { ...entry, cents: 1991n }, "amount"],
    ["is counted at another time", { ...entry, requestedAtMs: 1001 }, "requestedAt"],
  ];
  for (const [name, ledger, kind] of cases) {
    it(name, () => expect(judgeCharge("default", charge, ledger)?.kind).to.equal(kind));
  }
});

describe("audit of a processor's answer", () => {
  const zone = process.env["TZ"];

  afterEach(() => {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });

  function find(requestedAt: string): Promise<Charge | undefined> {
    const body = `{"correlationId":"A","amount":19.9,"requestedAt":"${requestedAt}"}`;
    return new ProcessorAdmin(async () => ({ status: 200, headers: new Map(), body }), "123").find("A");
  }

  it("takes a requestedAt without a zone as UTC, wherever the audit runs", async () => {
    process.env["TZ"] = "America/Sao_Paulo";
    const requestedAtMs = Date.UTC(2025, 6, 15, 12, 34, 56, 120);
    for (const text of ["2025-07-15T12:34:56.12", "2025-07-15T12:34:56.120Z", "2025-07-15T12:34:56.1209999"]) {
      expect(await find(text), text).to.deep.equal({ correlationId: "a", cents: 1990n, requestedAtMs });
    }
    expect((await find("2025-07-15T12:34:56"))?.requestedAtMs).to.equal(Date.UTC(2025, 6, 15, 12, 34, 56));
    const unreadable = await find("yesterday").catch((error: Error) => error.message);
    expect(unreadable).to.match(/^a processor's payment must be readable/);
  });
});
