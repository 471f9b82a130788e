import { expect } from "chai";
import { DELAY_MS_MAX, parseWish } from "../../../server/live/simulation-api.ts";

describe("wish for a simulated processor", () => {
  for (const wish of [{ delayMs: 0, failing: false }, { delayMs: DELAY_MS_MAX }, { failing: true }]) {
    it(`may be ${JSON.stringify(wish)}`, () => expect(parseWish(JSON.stringify(wish))).to.deep.equal(wish));
  }

  const refused: [body: string, field: string][] = [
    ["", "body"],
    ["null", "body"],
    ["[]", "body"],
    ["{}", "body"],
    ['{"delayMs":1,"token":"x"}', "body"],
    ['{"delayMs":-1}', "delayMs"],
    ['{"delayMs":1.5}', "delayMs"],
    ['{"delayMs":"100"}', "delayMs"],
    [`{"delayMs":${DELAY_MS_MAX + 1}}`, "delayMs"],
    ['{"delayMs":1,"failing":1}', "failing"],
    ['{"failing":null}', "failing"],
  ];
  for (const [body, field] of refused) {
    it(`must not be ${body || "empty"}`, () => {
      const problem = parseWish(body);
      expect(problem).to.include({ status: 400 }).and.have.property("detail");
      expect((problem as { field?: string }).field).to.equal(field);
    });
  }
});
