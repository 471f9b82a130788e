import { expect } from "chai";
import { isOwnOrigin } from "../../../server/live/origin.ts";

describe("origin of a request", () => {
  const host = "pay.example:9999";
  const own = ["http://pay.example:9999", "https://pay.example:9999", "https://PAY.example:9999", ""];
  const foreign = [
    "http://pay.example",
    "http://evil.example:9999",
    "null",
    "http://pay.example:9999.evil.example",
    "x",
  ];
  for (const origin of own)
    it(`is ours: ${origin || "none"}`, () => expect(isOwnOrigin(origin, host, "")).to.equal(true));
  for (const origin of foreign) it(`is not: ${origin}`, () => expect(isOwnOrigin(origin, host, "")).to.equal(false));

  const same: [origin: string, host: string][] = [
    ["http://pay.example", "pay.example"],
    ["http://pay.example", "pay.example:80"],
    ["http://pay.example:80", "pay.example"],
    ["https://pay.example", "pay.example:443"],
    ["https://pay.example", "pay.example"],
    ["http://pay.example", "PAY.Example"],
    ["http://pay.example:9999", "PAY.EXAMPLE:9999"],
    ["http://127.0.0.1:9999", "127.0.0.1:9999"],
    ["http://[::1]:9999", "[::1]:9999"],
    ["http://[::1]", "[::1]:80"],
    ["http://[2001:db8::a]:9999", "[2001:DB8:0:0:0:0:0:A]:9999"],
  ];
  for (const [origin, named] of same)
    it(`${origin} is that of Host ${named}`, () => expect(isOwnOrigin(origin, named, "")).to.equal(true));

  const other: [origin: string, host: string][] = [
    ["http://pay.example", "pay.example:443"],
    ["https://pay.example", "pay.example:80"],
    ["http://pay.example:9999", "pay.example"],
    ["http://pay.example", "pay.example:9999"],
    ["http://[::1]:9999", "[::2]:9999"],
    ["http://pay.example", "evil.example@pay.example"],
    ["http://pay.example", "pay.example/"],
    ["http://pay.example", ""],
    ["ftp://pay.example", "pay.example"],
    ["chrome-extension://pay.example", "pay.example"],
    ["file://", ""],
  ];
  for (const [origin, named] of other)
    it(`${origin} is not that of Host ${named || "nothing"}`, () =>
      expect(isOwnOrigin(origin, named, "")).to.equal(false));

  it("may be one more, or any, if so configured", () => {
    expect(isOwnOrigin("https://shop.example", host, "https://shop.example")).to.equal(true);
    expect(isOwnOrigin("https://shop.example", host, "https://other.example")).to.equal(false);
    expect(isOwnOrigin("https://shop.example", host, "*")).to.equal(true);
    expect(isOwnOrigin("null", "", "")).to.equal(false);
  });
});
