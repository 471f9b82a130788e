import { expect } from "chai";
import { sourceStack } from "../../../server/system/source-stack.ts";

function failing(): Error {
  return new Error("as told");
}

describe("source stack", () => {
  it("names sources instead of compiled files", () => {
    const stack = failing().stack!;
    expect(stack).to.match(/at failing \(file:.*build\/test\/server\/system\/source-stack\.test\.js:\d+:\d+\)/);
    expect(sourceStack(stack)).to.match(/at failing \(test\/server\/system\/source-stack\.test\.ts:5:10\)/);
  });

  it("leaves as it is what has no map, and what is no stack", () => {
    for (const text of ["Error: x\n    at f (/nowhere/a.js:1:2)", "at node:internal/x:1:2", "", "http://a:1/b.js"])
      expect(sourceStack(text)).to.equal(text);
  });
});
