import { readFileSync } from "node:fs";
import { expect } from "chai";
import { applyMutation } from "./apply-mutation.ts";
import { MUTATIONS } from "./mutations.ts";

const BUILD = new URL("../../", import.meta.url);

/** Without running a seed, so that whoever renames something hears of it at once. */
describe("mutations", () => {
  it("find their place in the compiled product, each exactly once", () => {
    const lost = Object.entries(MUTATIONS).flatMap(([name, mutation]) => {
      try {
        const source = readFileSync(new URL(`${mutation.file}.js`, BUILD), "utf8");
        expect(applyMutation(source, mutation, name), name).not.to.equal(source);
        return [];
      } catch (error) {
        return [`${mutation.file}: ${(error as Error).message}`];
      }
    });
    expect(lost).to.deep.equal([]);
  });
});
