import { expect } from "chai";
import { type PeerAnswer, readingOf, summaryPartOf } from "../../../server/link/peer-answers.ts";
import { combineParts } from "../../../server/payments/summary.ts";

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `p${i}`);
}

function answerOf(value: unknown): PeerAnswer {
  return { status: 200, body: JSON.stringify(value), location: undefined, contentType: "application/json" };
}

function totalsOf(count: number): number[] {
  return namesOf(count).flatMap((_, p) => [p + 1, (p + 1) * 100]);
}

describe("another instance's part of a summary", () => {
  for (const count of [1, 2, 3, 16]) {
    it(`is added processor by processor where there are ${count}`, () => {
      const processors = namesOf(count);
      const part = summaryPartOf(answerOf({ processors, totals: totalsOf(count), settledUntilMs: 1000 }), processors);
      expect(part).to.deep.equal({ processors, totals: totalsOf(count), settledUntilMs: 1000 });
      const own = { processors, totals: totalsOf(count), settledUntilMs: 2000 };
      const { body, settledUntil } = combineParts([own, part as typeof own]);
      const expected = processors.map(
        (name, p) => `"${name}":{"totalRequests":${2 * p + 2},"totalAmount":${2 * p + 2}.00}`,
      );
      expect(body).to.equal(`{${expected.join(",")}}`);
      expect(settledUntil).to.equal("1970-01-01T00:00:01.000Z");
    });
  }

  it("is told by its names where it is of other processors, or has them in another order", () => {
    for (const processors of [["b", "a"], ["a"], ["a", "b", "c"], ["a,b"], []]) {
      const answer = answerOf({ processors, totals: totalsOf(processors.length), settledUntilMs: 1 });
      expect(summaryPartOf(answer, ["a", "b"])).to.deep.equal(processors);
    }
  });

  it("is none where it is not of the shape of one", () => {
    const right = { processors: ["a"], totals: [1, 2], settledUntilMs: 1 };
    const wrong: object[] = [
      { ...right, totals: [1] },
      { ...right, totals: [1, 2, 3, 4] },
      { ...right, totals: [1, -2] },
      { ...right, totals: [1, 0.5] },
      { ...right, settledUntilMs: null },
      { ...right, processors: undefined },
      { ...right, processors: [null] },
      { ...right, processors: "a" },
    ];
    for (const part of wrong) expect(summaryPartOf(answerOf(part), ["a"]), JSON.stringify(part)).to.equal(undefined);
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
