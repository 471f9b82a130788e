import { expect } from "chai";
import { lossReason } from "../../../server/health/loss-reason.ts";

describe("the reason for the loss of a register", () => {
  it("is an error's code, the first word of a refusal, or the kind of error", () => {
    expect(lossReason("timed_out")).to.equal("timed_out");
    expect(lossReason(Object.assign(new Error("connect"), { code: "ECONNREFUSED" }))).to.equal("ECONNREFUSED");
    expect(lossReason(Object.assign(new Error("no password"), { code: "28P01" }))).to.equal("28P01");
    const cause = Object.assign(new Error("no password"), { code: "28P01" });
    expect(lossReason(new Error("refused", { cause: new Error("refused", { cause }) }))).to.equal("28P01");
    expect(lossReason(new Error("READONLY You can't write against a read only replica."))).to.equal("READONLY");
    expect(lossReason(new TypeError("x is undefined"))).to.equal("TypeError");
    expect(lossReason({ secret: 1 })).to.equal("unknown");
  });

  it("is nothing that the other side could have made of a password", () => {
    expect(lossReason(new Error("SECRET is no password"))).to.equal("Error");
    expect(lossReason(new Error("ERR unknown command 'AUTH' 'secret'"))).to.equal("ERR");
    expect(lossReason(Object.assign(new Error("x"), { code: "the secret" }))).to.equal("Error");
  });
});
