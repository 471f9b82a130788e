import { expect } from "chai";
import { isPurged, type PeerAnswer, readingOf, summaryPartsOf } from "../../../server/link/peer-answers.ts";
import { combineParts, type SummaryPart } from "../../../server/payments/summary.ts";

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `p${i}`);
}

function answerOf(value: unknown): PeerAnswer {
  return { status: 200, body: JSON.stringify(value), location: undefined, contentType: "application/json" };
}

function totalsOf(count: number): number[] {
  return namesOf(count).flatMap((_, p) => [p + 1, (p + 1) * 100]);
}

describe("another instance's parts of a summary", () => {
  for (const count of [1, 2, 3, 16]) {
    it(`are added processor by processor where there are ${count}`, () => {
      const processors = namesOf(count);
      const partOf = (partition: number) => {
        return { partition, epoch: partition + 1, processors, totals: totalsOf(count), settledUntilMs: 1000 };
      };
      const parts = summaryPartsOf(answerOf([partOf(0), partOf(255)]), processors);
      expect(parts).to.deep.equal([partOf(0), partOf(255)]);
      const own = { processors, totals: totalsOf(count), settledUntilMs: 2000 };
      const { body, settledUntil } = combineParts([own, ...(parts as SummaryPart[])]);
      const expected = processors.map(
        (name, p) => `"${name}":{"totalRequests":${3 * p + 3},"totalAmount":${3 * p + 3}.00}`,
      );
      expect(body).to.equal(`{${expected.join(",")}}`);
      expect(settledUntil).to.equal("1970-01-01T00:00:01.000Z");
    });
  }

  it("are none where it carries nothing", () => {
    expect(summaryPartsOf(answerOf([]), ["a"])).to.deep.equal([]);
  });

  const right = { partition: 0, epoch: 3, processors: ["a"], totals: [1, 2], settledUntilMs: 1 };

  it("are told by their names where they are of other processors, or have them in another order", () => {
    for (const processors of [["b", "a"], ["a"], ["a", "b", "c"], ["a,b"], []]) {
      const answer = answerOf([{ ...right, processors, totals: totalsOf(processors.length) }]);
      expect(summaryPartsOf(answer, ["a", "b"])).to.deep.equal({ others: processors });
    }
  });

  it("are not believed where they are not of the shape of parts", () => {
    expect(summaryPartsOf(answerOf([right]), ["a"])).to.deep.equal([right]);
    const wrong: unknown[] = [
      { ...right, totals: [1] },
      { ...right, totals: [1, 2, 3, 4] },
      { ...right, totals: [1, -2] },
      { ...right, totals: [1, 0.5] },
      { ...right, settledUntilMs: null },
      { ...right, settledUntilMs: "1" },
      { ...right, processors: undefined },
      { ...right, processors: [null] },
      { ...right, processors: "a" },
      ...[-1, 256, 0.5, "0", null, undefined].map((partition) => ({ ...right, partition })),
      ...[-1, 0.5, "0", null, undefined].map((epoch) => ({ ...right, epoch })),
      null,
      [],
      "part",
    ];
    for (const part of wrong) {
      expect(summaryPartsOf(answerOf([part]), ["a"]), JSON.stringify(part)).to.equal(undefined);
      expect(summaryPartsOf(answerOf([{ ...right, partition: 7 }, part]), ["a"])).to.equal(undefined);
    }
    for (const answer of [right, { 0: right, length: 1 }, "[]", null, 1])
      expect(summaryPartsOf(answerOf(answer), ["a"])).to.equal(undefined);
    expect(summaryPartsOf({ ...answerOf([right]), status: 503 }, ["a"])).to.equal(undefined);
  });

  it("are not believed where a partition is there twice: it would be added twice", () => {
    expect(summaryPartsOf(answerOf([right, { ...right, epoch: 4 }]), ["a"])).to.equal(undefined);
  });
});

describe("another instance's word that it has purged", () => {
  it("is its own words, and nothing else", () => {
    const answer = answerOf({ message: "purged" });
    expect(isPurged(answer)).to.equal(true);
    expect(isPurged({ ...answer, status: 503 })).to.equal(false);
    for (const value of [{}, { message: "All payments purged." }, "purged", null])
      expect(isPurged(answerOf(value))).to.equal(false);
  });
});

describe("another instance's reading for the live page", () => {
  const ours = namesOf(3);

  it("is taken where it is of the same processors in the same order", () => {
    const answer = answerOf({ life: 1, processors: ours.map((name) => ({ name })) });
    expect(readingOf(answer, ours)).to.equal(answer.body);
  });

  it("is left out otherwise: it would be added up with those of other processors", () => {
    for (const names of [["p1", "p0", "p2"], namesOf(2), namesOf(4)]) {
      const processors = names.map((name) => ({ name }));
      expect(readingOf(answerOf({ life: 1, processors }), ours)).to.equal(undefined);
    }
    for (const processors of [[null, null, null], [{}, {}, {}], "p0", undefined])
      expect(readingOf(answerOf({ life: 1, processors }), ours)).to.equal(undefined);
  });
});
