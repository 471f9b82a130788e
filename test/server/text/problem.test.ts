import { expect } from "chai";
import { badRequest, problemBody, titleOf, unavailable } from "../../../server/text/problem.ts";

describe("problem", () => {
  it("is an RFC 9457 object that names the field and the rule", () => {
    const problem = badRequest("amount", "amount must be greater than zero", -1);
    expect(JSON.parse(problemBody(problem))).to.deep.equal({
      type: "about:blank",
      title: "Bad Request",
      status: 400,
      detail: "amount must be greater than zero: amount=-1",
      field: "amount",
    });
  });

  it("has no field where none is to blame", () => {
    const { status, detail, ...rest } = JSON.parse(problemBody(unavailable("the ledger is full")));
    expect({ status, detail }).to.deep.equal({ status: 503, detail: "the ledger is full" });
    expect(rest).to.deep.equal({ type: "about:blank", title: "Service Unavailable" });
  });

  it("shows the value as JSON, so that nothing in it can be taken for something else", () => {
    const shown = (value: unknown): string => badRequest("x", "rule", value).detail;
    expect(shown('a"b\n')).to.equal('rule: x="a\\"b\\n"');
    expect(shown(null)).to.equal("rule: x=null");
    expect(shown({ a: [1] })).to.equal('rule: x={"a":[1]}');
  });

  it("does not echo a value at any length", () => {
    const { detail } = badRequest("x", "rule", "y".repeat(8000));
    expect(detail.length).to.be.below(100);
    expect(detail).to.match(/…$/);
  });

  it("has a title for every status that is answered, and one for any other", () => {
    for (const status of [400, 403, 404, 405, 409, 413, 421, 500, 503, 504]) {
      expect(titleOf(status), `${status}`)
        .to.match(/^[A-Z]/)
        .and.not.equal("Error");
    }
    expect(titleOf(599)).to.equal("Error");
  });
});
