import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { MessageChannel } from "node:worker_threads";
import { expect } from "chai";
import { NameLookup, type NameLookupTimes } from "../../server/name-lookup.ts";
import { resolveThrough, serveNames } from "../../server/name-lookup-port.ts";

const TIMES: NameLookupTimes = { freshMs: 40, patienceMs: 30, staleMs: 60_000, waitMs: 80 };
const FIRST = [{ address: "10.0.0.1", family: 4 }];
const SECOND = [{ address: "10.0.0.2", family: 4 }];

type Call = { name: string; answer(addresses: readonly LookupAddress[]): void; fail(error: Error): void };

/** A resolver in the test's hands. */
class Resolver {
  readonly calls: Call[] = [];

  readonly resolve = (name: string): Promise<readonly LookupAddress[]> =>
    new Promise((answer, fail) => {
      this.calls.push({ name, answer, fail });
    });
}

/** The first address, or the error's code. */
function ask(names: NameLookup, name: string): Promise<string> {
  return new Promise((resolve) => {
    names.lookup(name, {}, (error, address) => resolve(error ? error.code! : String(address)));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe("name lookup", () => {
  let resolver: Resolver;
  let names: NameLookup;

  beforeEach(() => {
    resolver = new Resolver();
    names = new NameLookup(resolver.resolve, TIMES);
  });

  afterEach(() => names.close());

  /** Makes a name known, and lets that become old. */
  async function know(name: string): Promise<void> {
    const answer = ask(names, name);
    resolver.calls.at(-1)!.answer(FIRST);
    expect(await answer).to.equal("10.0.0.1");
    await sleep(TIMES.freshMs + 5);
  }

  it("asks once for all who want to know the same at the same time, and a little later", async () => {
    const answers = [ask(names, "a.test"), ask(names, "A.test"), ask(names, "a.test")];
    resolver.calls[0]!.answer(FIRST);
    expect(await Promise.all(answers)).to.deep.equal(["10.0.0.1", "10.0.0.1", "10.0.0.1"]);
    expect(await ask(names, "a.test")).to.equal("10.0.0.1");
    expect(resolver.calls.map(({ name }) => name)).to.deep.equal(["a.test"]);
  });

  it("learns of another address", async () => {
    await know("a.test");
    const answer = ask(names, "a.test");
    resolver.calls[1]!.answer(SECOND);
    expect(await answer).to.equal("10.0.0.2");
  });

  it("goes on with the last good address while asking fails, and does not ask all the time", async () => {
    await know("a.test");
    const answer = ask(names, "a.test");
    resolver.calls[1]!.fail(Object.assign(new Error("no"), { code: "EAI_AGAIN" }));
    expect(await answer).to.equal("10.0.0.1");
    expect(await ask(names, "a.test")).to.equal("10.0.0.1");
    expect(resolver.calls).to.have.length(2);
    await sleep(TIMES.freshMs + 5);
    const later = ask(names, "a.test");
    resolver.calls[2]!.answer(SECOND);
    expect(await later).to.equal("10.0.0.2");
  });

  it("goes on with the last good address while an answer is late, waiting only once", async () => {
    await know("a.test");
    expect(await ask(names, "a.test")).to.equal("10.0.0.1");
    await sleep(5);
    const beganAtMs = performance.now();
    expect(await Promise.all([ask(names, "a.test"), ask(names, "a.test")])).to.deep.equal(["10.0.0.1", "10.0.0.1"]);
    expect(performance.now() - beganAtMs).to.be.below(TIMES.patienceMs / 2);
    expect(resolver.calls).to.have.length(2);
    resolver.calls[1]!.answer(SECOND);
    await sleep(1);
    expect(await ask(names, "a.test")).to.equal("10.0.0.2");
  });

  it("does not go on with an address for ever", async () => {
    names = new NameLookup(resolver.resolve, { ...TIMES, staleMs: 45 });
    await know("a.test");
    await sleep(10);
    const answer = ask(names, "a.test");
    resolver.calls[1]!.fail(Object.assign(new Error("no"), { code: "ENOTFOUND" }));
    expect(await answer).to.equal("ENOTFOUND");
  });

  it("gives up in bounded time on a name that hangs, for everybody who waits", async () => {
    const beganAtMs = performance.now();
    const answers = Array.from({ length: 50 }, () => ask(names, "hangs.test"));
    expect(new Set(await Promise.all(answers))).to.deep.equal(new Set(["ETIMEDOUT"]));
    expect(performance.now() - beganAtMs).to.be.within(TIMES.waitMs - 5, TIMES.waitMs + 100);
    expect(resolver.calls).to.have.length(1);
  });

  it("tells a failure to all who wait, and for a while to those who come", async () => {
    const answers = [ask(names, "a.test"), ask(names, "a.test")];
    resolver.calls[0]!.fail(Object.assign(new Error("no"), { code: "ENOTFOUND" }));
    expect(await Promise.all(answers)).to.deep.equal(["ENOTFOUND", "ENOTFOUND"]);
    expect(await ask(names, "a.test")).to.equal("ENOTFOUND");
    expect(resolver.calls).to.have.length(1);
  });

  it("takes no answer without addresses for one", async () => {
    const answer = ask(names, "a.test");
    resolver.calls[0]!.answer([]);
    expect(await answer).to.equal("ENOTFOUND");
  });

  it("has two lookups out at most, and the next name's as soon as one of them is done", async () => {
    const answers = ["a.test", "b.test", "c.test", "d.test"].map((name) => ask(names, name));
    expect(resolver.calls.map(({ name }) => name)).to.deep.equal(["a.test", "b.test"]);
    resolver.calls[1]!.answer(FIRST);
    expect(await answers[1]).to.equal("10.0.0.1");
    expect(resolver.calls.map(({ name }) => name)).to.deep.equal(["a.test", "b.test", "c.test"]);
    resolver.calls[2]!.answer(SECOND);
    expect(await answers[2]).to.equal("10.0.0.2");
    expect(await answers[0]).to.equal("ETIMEDOUT");
    expect(resolver.calls.at(-1)!.name).to.equal("d.test");
  });

  it("does not ask about addresses", async () => {
    expect(await ask(names, "127.0.0.1")).to.equal("127.0.0.1");
    expect(await ask(names, "::1")).to.equal("::1");
    expect(resolver.calls).to.have.length(0);
  });

  it("gives all addresses, or those of one family", async () => {
    const both = [{ address: "::1", family: 6 }, ...FIRST];
    const all = new Promise((resolve) => names.lookup("a.test", { all: true }, (_, addresses) => resolve(addresses)));
    resolver.calls[0]!.answer(both);
    expect(await all).to.deep.equal(both);
    const v4 = new Promise((resolve) => names.lookup("a.test", { family: 4 }, (_, ...rest) => resolve(rest)));
    expect(await v4).to.deep.equal(["10.0.0.1", 4]);
    const v6 = new Promise((resolve) => names.lookup("a.test", { family: "IPv6" }, (_, ...rest) => resolve(rest)));
    expect(await v6).to.deep.equal(["::1", 6]);
  });

  it("ends everybody's waiting when it is closed", async () => {
    const answer = ask(names, "a.test");
    names.close();
    expect(await answer).to.equal("ETIMEDOUT");
  });

  it("is what node:http asks, of the system unless told otherwise", async () => {
    const server = createServer((_, res) => res.end("here")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const [response] = await once(get({ host: "localhost", port, lookup: new NameLookup().lookup }), "response");
    expect((await once(response.setEncoding("utf8"), "data"))[0]).to.equal("here");
    server.close();
    server.closeAllConnections();
  });

  it("answers through a port, with what went wrong as well", async () => {
    const { port1, port2 } = new MessageChannel();
    serveNames(names, port1);
    const far = new NameLookup(resolveThrough(port2), TIMES);
    port2.ref();
    const answers = [ask(far, "a.test"), ask(far, "b.test"), ask(far, "a.test")];
    while (resolver.calls.length < 2) await sleep(1);
    resolver.calls[1]!.fail(Object.assign(new Error("no"), { code: "ENOTFOUND" }));
    resolver.calls[0]!.answer(FIRST);
    expect(await Promise.all(answers)).to.deep.equal(["10.0.0.1", "ENOTFOUND", "10.0.0.1"]);
    port2.close();
  });
});
