import { expect } from "chai";
import { badRequest, paymentUnavailable, problem, problemBody, titleOf } from "../../../server/text/problem.ts";
import { PROBLEM_STATUS } from "../../../server/text/problem-types.ts";

describe("problem", () => {
  it("is an RFC 9457 object that names the field and the rule", () => {
    const fault = badRequest("amount", "amount must be greater than zero", -1);
    expect(JSON.parse(problemBody(fault))).to.deep.equal({
      type: "urn:problem-type:rinha-backend:invalid-request",
      title: "Bad Request",
      status: 400,
      detail: "amount must be greater than zero: amount=-1",
      field: "amount",
    });
  });

  it("has no field where none is to blame", () => {
    const { status, detail, ...rest } = JSON.parse(problemBody(problem("ledger-full", "the ledger is full")));
    expect({ status, detail }).to.deep.equal({ status: 503, detail: "the ledger is full" });
    expect(rest).to.deep.equal({ type: "urn:problem-type:rinha-backend:ledger-full", title: "Service Unavailable" });
  });

  it("says of a payment what became of it, in a member and in words", () => {
    const told = JSON.parse(problemBody(paymentUnavailable("ledger-full", "the ledger is full", "no")));
    expect(told).to.include({ accepted: "no", detail: "the ledger is full; the payment was not accepted" });
    const unsure = paymentUnavailable("process-stopped", "stopped", "unknown");
    expect(unsure.detail).to.match(/may have been accepted: repeat it/);
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
    for (const status of Object.values(PROBLEM_STATUS)) {
      expect(titleOf(status), `${status}`)
        .to.match(/^[A-Z]/)
        .and.not.equal("Error");
    }
    expect(titleOf(599)).to.equal("Error");
  });
});
