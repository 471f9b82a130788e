import { expect } from "chai";
import { type Address, formatAddress, healthAddress, parseAddress } from "../../../server/system/address.ts";

describe("address", () => {
  const understood: [string, Address][] = [
    ["unix:/run/rinha/instance-1.sock", { kind: "unix", path: "/run/rinha/instance-1.sock" }],
    ["unix:relative.sock", { kind: "unix", path: "relative.sock" }],
    ["tcp:127.0.0.1:8080", { kind: "tcp", host: "127.0.0.1", port: 8080 }],
    ["tcp:payments.internal:0", { kind: "tcp", host: "payments.internal", port: 0 }],
    ["tcp:[::1]:65535", { kind: "tcp", host: "::1", port: 65_535 }],
    ["tcp:[::]:8080", { kind: "tcp", host: "::", port: 8080 }],
    ["tcp:[2001:db8::7]:8080", { kind: "tcp", host: "2001:db8::7", port: 8080 }],
  ];
  for (const [text, address] of understood) {
    it(`understands ${text}, and writes it the same way`, () => {
      expect(parseAddress(text)).to.deep.equal(address);
      expect(formatAddress(address)).to.equal(text);
    });
  }

  it("knows one IPv6 address by its shortest text, however it was written", () => {
    for (const text of ["[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0.0.0.1]"])
      expect(parseAddress(`tcp:${text}:80`), text).to.deep.equal({ kind: "tcp", host: "::1", port: 80 });
    expect(formatAddress(parseAddress("tcp:[2001:DB8::A]:80") as Address)).to.equal("tcp:[2001:db8::a]:80");
  });

  it("wants brackets around an IPv6 address: without them nobody knows where the port begins", () => {
    for (const text of ["tcp:::1:8080", "tcp:2001:db8::7:8080", "tcp:a:b:80"])
      expect(parseAddress(text), text).to.equal("must have brackets around an IPv6 address, as in tcp:[::1]:8080");
  });

  it("takes no zone of an IPv6 address", () => {
    for (const text of ["tcp:[fe80::1%eth0]:80", "tcp:[fe80::1%25eth0]:80", "tcp:fe80::1%eth0:80"])
      expect(parseAddress(text), text).to.match(/takes no IPv6 zone/);
  });

  const refused = [
    "tcp:[::1]",
    "tcp:[::1]:",
    "tcp:[]:80",
    "tcp:[:::1]:80",
    "tcp:[127.0.0.1]:80",
    "tcp:[localhost]:80",
    "tcp:[::1]x:80",
    "tcp:a b:80",
    "tcp:user@host:80",
    "tcp:host/path:80",
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

  // What is accepted as a link must be usable for the health monitor too, or the instance dies at start with an obscure
  // error.
  for (const link of [`unix:/${"x".repeat(106)}`, "tcp:127.0.0.1:65535"]) {
    it(`has a health address to be had for every link the configuration takes: ${link.slice(0, 20)}`, async () => {
      const { readConfig } = await import("../../../server/settings/config.ts");
      const config = readConfig({ LINKS: link });
      if (Array.isArray(config)) return;
      const derived = formatAddress(healthAddress(config.links[0]!));
      expect(parseAddress(derived), derived).to.not.be.a("string");
    });
  }
});
