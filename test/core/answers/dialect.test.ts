import { expect } from "chai";
import { CONTEST, type Dialect, outcomeOfPost } from "../../../core/answers/dialect.ts";
import * as Outcome from "../../../core/values/outcome.ts";

/**
 * What an answer with this status means, body declared empty, and with a body that is or is not in the processor's
 * words.
 */
function meaning(status: number, body: "empty" | "message" | "other", dialect: Dialect = CONTEST): string {
  return Outcome.NAMES[outcomeOfPost(dialect, status, body === "empty", body === "message")]!;
}

describe("dialect of the contest's processors", () => {
  it("has one success, in the processor's words", () => {
    expect(meaning(200, "message")).to.equal("charged");
    expect([meaning(200, "empty"), meaning(200, "other")]).to.deep.equal(["garbled success", "garbled success"]);
  });

  it("tells the failure switch, whose body is empty, from an exception", () => {
    expect(meaning(500, "empty")).to.equal("failing");
    expect([meaning(500, "message"), meaning(500, "other")]).to.deep.equal(["server error", "server error"]);
  });

  it("takes these, and no others, for proof that a POST was not charged", () => {
    const proofs = ["failing", "overloaded", "rejected", "misconfigured"];
    const statuses = Array.from({ length: 400 }, (_, i) => 200 + i).filter((status) =>
      (["empty", "message", "other"] as const).some((body) => proofs.includes(meaning(status, body))),
    );
    expect(statuses).to.deep.equal([307, 308, 400, 401, 403, 404, 405, 413, 415, 429, 500]);
  });

  for (const [statuses, outcome] of [
    [[201, 203, 204, 206], "unclear answer"],
    [[202], "admitted"],
    [[300, 301, 302, 303, 304], "unexpected answer"],
    [[307, 308, 401, 403, 404, 405], "misconfigured"],
    [[400, 413, 415], "rejected"],
    [[402, 406, 409, 410, 418, 425, 451], "unclear answer"],
    [[422], "already charged"],
    [[429], "overloaded"],
    [[501, 502, 503, 504, 520, 599], "gateway failed"],
  ] as const) {
    it(`takes ${statuses.join(", ")} for "${outcome}", whatever the body`, () => {
      for (const status of statuses) {
        expect([meaning(status, "empty"), meaning(status, "other")]).to.deep.equal([outcome, outcome]);
      }
    });
  }

  it("is data: another processor's success may be another", () => {
    expect(meaning(201, "message", { ...CONTEST, success: [200, 201] })).to.equal("charged");
  });
});
