import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { HealthLinkClient, HealthLinkServer } from "../../../server/health/health-link.ts";
import { NO_PEER_CONSENT } from "../../../server/health/register-consent.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { Caller } from "../../e2e/caller.ts";

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `pay-${i}.example_${i}`);
}

describe("the health monitors' link", () => {
  let folder: string;
  let names: NameLookup;
  const heard: unknown[][] = [];
  const closers: { close(): void }[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-health-link-"));
    names = new NameLookup();
    heard.length = 0;
  });
  afterEach(() => {
    for (const part of closers.splice(0)) part.close();
    names.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The way from an instance with some processors to one with others, which refuses claims of fresh instances. */
  async function linked(own: readonly string[], others: readonly string[] = own): Promise<HealthLinkClient> {
    const handlers = {
      claim: (...told: [number, number, boolean]) => {
        heard.push(["claim", ...told]);
        return !told[2];
      },
      released: (...told: unknown[]) => void heard.push(["released", ...told]),
      polled: (...told: unknown[]) => void heard.push(["polled", ...told]),
    };
    const address = { kind: "unix", path: join(folder, "link.sock") } as const;
    const server = new HealthLinkServer(handlers, others, 4);
    await server.listen(address);
    const client = new HealthLinkClient(address, own, names);
    closers.push(client, server);
    return client;
  }

  for (const count of [1, 2, 3, 16]) {
    it(`carries claims, releases and news of ${count} processors`, async () => {
      const client = await linked(namesOf(count));
      for (let processor = 0; processor < count; processor++) {
        expect(await client.claim(processor, 1, false)).to.equal("consent");
        expect(await client.claim(processor, 1, true)).to.equal("refusal");
        await client.release(processor, 1);
        await client.polled(processor, true, 1234);
      }
      expect(heard).to.deep.equal(
        namesOf(count).flatMap((_, processor) => [
          ["claim", processor, 1, false],
          ["claim", processor, 1, true],
          ["released", processor, 1],
          ["polled", processor, true, 1234],
        ]),
      );
    });
  }

  it("means a processor by its name, in whatever order the other instance has them", async () => {
    const client = await linked(["a", "b"], ["b", "c", "a"]);
    expect(await client.claim(0, 1, false)).to.equal("consent");
    await client.polled(1, false, 7);
    expect(heard).to.deep.equal([
      ["claim", 2, 1, false],
      ["polled", 0, false, 7],
    ]);
  });

  it("has consent of an instance that does not have the processor, and bothers it no further", async () => {
    const client = await linked(["a", "new"], ["a"]);
    expect(await client.claim(1, 1, true)).to.equal("consent");
    await client.release(1, 1);
    await client.polled(1, true, 7);
    expect(heard).to.deep.equal([]);
  });

  it("says which version it speaks to whoever asks in another, and has not heard them", async () => {
    await linked(["a"]);
    const caller = new Caller({ socketPath: join(folder, "link.sock") }, 32, "other");
    for (const path of ["/claim/a/1/0", "/3/claim/a/1/0", "/22/claim/a/1/0"]) {
      const { status, body } = await caller.ask("POST", path);
      expect([status, JSON.parse(body).status]).to.deep.equal([505, 505]);
      expect(JSON.parse(body).detail).to.equal("the link's protocol is 2");
    }
    expect((await caller.ask("POST", "/2/claim/a/1/0")).status).to.equal(204);
    caller.close();
    expect(heard).to.deep.equal([["claim", 0, 1, false]]);
  });

  it("hears nothing of what a page in a browser can send, and nobody but its user connects", async () => {
    await linked(["a"]);
    const caller = new Caller({ socketPath: join(folder, "link.sock") }, 1, "other");
    for (const path of ["/2/polled/a/1/0", "/2/claim/a/1/0", "/2/release/a/1/0"]) {
      expect((await caller.ask("GET", path)).status, path).to.equal(403);
      for (const origin of ["http://evil.example", "null"])
        expect((await caller.ask("POST", path, { headers: { origin } })).status, path).to.equal(403);
    }
    caller.close();
    expect(heard).to.deep.equal([]);
    expect(statSync(join(folder, "link.sock")).mode & 0o777).to.equal(0o700);
  });

  it("has no consent of an instance that asks a register", async () => {
    const address = { kind: "unix", path: join(folder, "link.sock") } as const;
    const server = new HealthLinkServer(NO_PEER_CONSENT, ["a"], 4);
    await server.listen(address);
    const client = new HealthLinkClient(address, ["a"], names);
    closers.push(client, server);
    expect(await client.claim(0, 1, false)).to.equal("refusal");
    await client.polled(0, false, 7);
    await client.release(0, 1);
    expect(await client.claim(0, 1, false)).to.equal("refusal");
  });

  it("tells an instance that is gone from one that is silent", async () => {
    const client = new HealthLinkClient({ kind: "unix", path: join(folder, "nobody.sock") }, ["a"], names);
    closers.push(client);
    expect(await client.claim(0, 1, false)).to.equal("gone");
  });
});
