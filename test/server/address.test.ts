import { expect } from "chai";
import { type Address, formatAddress, healthAddress, parseAddress } from "../../server/address.ts";

describe("address", () => {
  const understood: [string, Address][] = [
    ["unix:/run/rinha/instance-1.sock", { kind: "unix", path: "/run/rinha/instance-1.sock" }],
    ["unix:relative.sock", { kind: "unix", path: "relative.sock" }],
    ["tcp:127.0.0.1:8080", { kind: "tcp", host: "127.0.0.1", port: 8080 }],
    ["tcp:payments.internal:0", { kind: "tcp", host: "payments.internal", port: 0 }],
    ["tcp:::1:65535", { kind: "tcp", host: "::1", port: 65_535 }],
  ];
  for (const [text, address] of understood) {
    it(`understands ${text}, and writes it the same way`, () => {
      expect(parseAddress(text)).to.deep.equal(address);
      expect(formatAddress(address)).to.equal(text);
    });
  }

  const refused = [
    "",
    "unix:",
    "tcp:",
    "tcp:host",
    "tcp::80",
    "tcp:host:",
    "tcp:host:65536",
    "tcp:host:-1",
    "tcp:host:8o",
  ];
  for (const text of [...refused, "127.0.0.1:80", "http://host:80", " unix:/a", "tcp:host:123456"]) {
    it(`says what is wrong with "${text}"`, () => {
      expect(parseAddress(text)).to.be.a("string").and.not.equal("");
    });
  }

  it("takes a unix path up to what the kernel's address holds, counted in bytes", () => {
    expect(parseAddress(`unix:/${"x".repeat(106)}`)).to.have.property("kind", "unix");
    expect(parseAddress(`unix:/${"x".repeat(107)}`)).to.match(/at most 107 bytes/);
    expect(parseAddress(`unix:/${"é".repeat(53)}`)).to.have.property("kind", "unix");
    expect(parseAddress(`unix:/${"é".repeat(54)}`)).to.match(/at most 107 bytes/);
  });

  it("puts the health monitor next to the link", () => {
    expect(healthAddress({ kind: "unix", path: "/run/link-1.sock" })).to.deep.equal({
      kind: "unix",
      path: "/run/link-1.sock.health",
    });
    expect(healthAddress({ kind: "tcp", host: "h", port: 9000 })).to.deep.equal({ kind: "tcp", host: "h", port: 9001 });
  });

  // What is accepted as a link must be usable for the health monitor too, or the instance dies at start with an obscure error.
  for (const link of [`unix:/${"x".repeat(106)}`, "tcp:127.0.0.1:65535"]) {
    it(`has a health address that can be had for every link the configuration takes: ${link.slice(0, 20)}`, async () => {
      const { readConfig } = await import("../../server/config.ts");
      const config = readConfig({ LINKS: link });
      if (Array.isArray(config)) return;
      const derived = formatAddress(healthAddress(config.links[0]!));
      expect(parseAddress(derived), derived).to.not.be.a("string");
    });
  }
});
