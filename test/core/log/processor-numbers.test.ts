import { expect } from "chai";
import { ProcessorNumbers, UNNAMED_PROCESSOR } from "../../../core/log/processor-numbers.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import { forSeeds } from "../../support/random.ts";

describe("processor numbers", () => {
  it("are left alone where a file has the configured names, or the first of them", () => {
    const numbers = new ProcessorNumbers(["a", "b", "c"]);
    expect(numbers.of(["a", "b", "c"])).to.equal(undefined);
    expect(numbers.of(["a", "b"])).to.equal(undefined);
    expect(numbers.names).to.deep.equal(["a", "b", "c"]);
  });

  it("follow the names into another order", () => {
    const numbers = new ProcessorNumbers(["c", "a", "b"]).of(["a", "b", "c"])!;
    expect([numbers[0], numbers[1], numbers[2], numbers[3], numbers[NO_PROCESSOR]]).to.deep.equal([
      ...[1, 2, 0],
      ...[UNNAMED_PROCESSOR, NO_PROCESSOR],
    ]);
  });

  it("are behind the configured ones for names that nobody configured, the same in every file", () => {
    const numbers = new ProcessorNumbers(["a"]);
    expect(numbers.of(["old", "a"])![0]).to.equal(1);
    expect(numbers.of(["older", "old"])!.slice(0, 2)).to.deep.equal(Uint8Array.of(2, 1));
    expect([numbers.configuredCount, numbers.names]).to.deep.equal([1, ["a", "old", "older"]]);
  });

  it("are a byte: there is none left for a name that would be taken for another's", () => {
    const numbers = new ProcessorNumbers(["a"]);
    for (let file = 0; file < UNNAMED_PROCESSOR - 1; file++) expect(numbers.of([`n${file}`])![0]).to.equal(file + 1);
    expect(() => numbers.of(["one more"])).to.throw("the files of a journal name at most 254 processors");
    expect(numbers.of(["n0", "a"])!.slice(0, 2)).to.deep.equal(Uint8Array.of(1, 0));
  });

  it("give every name of every file one number, and no number to two names", () => {
    forSeeds(30, (random) => {
      const names = Array.from({ length: random.between(1, 16) }, (_, i) => `p${i}`);
      const shuffled = (): string[] => names.filter(() => random.chance(0.7)).sort(() => random.below(3) - 1);
      const configured = shuffled();
      const numbers = new ProcessorNumbers(configured);
      const numberOf = new Map(configured.map((name, number) => [name, number]));
      for (let file = 0; file < 8; file++) {
        const inFile = shuffled();
        const map = numbers.of(inFile);
        for (const [written, name] of inFile.entries()) {
          const number = map === undefined ? written : map[written]!;
          expect(numberOf.get(name) ?? number).to.equal(number);
          numberOf.set(name, number);
        }
      }
      expect(new Set(numberOf.values()).size).to.equal(numberOf.size);
    });
  });
});
