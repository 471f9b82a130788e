import { expect } from "chai";
import { processorKey } from "../../../server/health/processor-key.ts";

const key = (name: string, url: string) => processorKey(name, new URL(url));

describe("a processor's key in a register", () => {
  it("is the same for the same name and place, however the URL is written", () => {
    const plain = key("default", "http://processor.example/a");
    expect(plain.name).to.equal("default");
    expect(plain.urlHash).to.match(/^[0-9a-f]{16}$/);
    for (const url of ["http://user:word@processor.example:80/a/", "HTTP://Processor.Example/a"])
      expect(key("default", url), url).to.deep.equal(plain);
  });

  it("is another for another place or name", () => {
    const keys = [
      key("default", "http://a.example"),
      key("fallback", "http://a.example"),
      key("default", "https://a.example"),
      key("default", "http://a.example:8080"),
      key("default", "http://a.example/b"),
      key("default", "http://b.example"),
    ];
    expect(new Set(keys.map(({ name, urlHash }) => `${name}:${urlHash}`)).size).to.equal(keys.length);
  });
});
