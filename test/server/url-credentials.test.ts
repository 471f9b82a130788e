import { expect } from "chai";
import { readConfig } from "../../server/config.ts";
import { basicAuthorization, withoutCredentials } from "../../server/url-credentials.ts";

describe("user and password of a URL", () => {
  it("are what Basic authorization makes of them, decoded, in UTF-8", () => {
    const url = new URL("http://us%C3%A9r:p%40ss%3Aword@a.example:1/base");
    expect(basicAuthorization(url)).to.equal(`Basic ${Buffer.from("us\u00e9r:p@ss:word").toString("base64")}`);
    expect(basicAuthorization(new URL("http://token@a.example"))).to.equal(`Basic ${btoa("token:")}`);
    expect(basicAuthorization(new URL("http://:word@a.example"))).to.equal(`Basic ${btoa(":word")}`);
    expect(basicAuthorization(new URL("http://a.example"))).to.equal(undefined);
  });

  it("are refused for a processor when Basic authorization cannot carry them, and not shown", () => {
    for (const credentials of ["a%3Ab:c", "a:%", "a:%ff"]) {
      const errors = readConfig({ DEFAULT_PROCESSOR_URL: `http://${credentials}@a.example` });
      if (!Array.isArray(errors)) throw new Error(`must be refused: ${credentials}`);
      expect(errors).to.have.length(1);
      expect(errors[0]).to.match(/^DEFAULT_PROCESSOR_URL must have a user without a colon/);
      expect(errors[0]).to.not.contain(credentials);
    }
  });

  it("are taken out of what is shown, however they are written", () => {
    for (const text of ["http://u:w@h:1/x", "HTTP://w@h:1/x", "http://u:w/w@h:1/x", "http://u:w@w@h:1/x"])
      expect(withoutCredentials(text), text).to.match(/^http:\/\/\*{3}@h:1\/x$/i);
    expect(withoutCredentials("u:w@h:1")).to.equal("***@h:1");
    expect(withoutCredentials("http://h:1/x")).to.equal("http://h:1/x");
  });
});
