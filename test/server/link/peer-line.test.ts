import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import pino from "pino";
import type { PeerAnswer } from "../../../server/link/peer-answers.ts";
import { LINK_HEALTH, LINK_HEALTH_BODY } from "../../../server/link/peer-answers.ts";
import { PeerLine } from "../../../server/link/peer-line.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { until } from "../../e2e/until.ts";

const TIMEOUT_MS = 500;
const CONNECTIONS = 2;
const OPTIONS = { connectionsMax: CONNECTIONS, timeoutMs: TIMEOUT_MS, names: new NameLookup() };
/** See server/link/peer-line.ts. */
const CALLS_MAX = 1024;
const ASK = { method: "GET", path: "/payments/x" } as const;

describe("way to another instance", () => {
  let folder: string;
  let path: string;
  let server: Server;
  let line: PeerLine;
  /** What the peer does with a request. */
  let answer: (res: ServerResponse) => void;
  let askedPaths: string[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-line-"));
    path = join(folder, "link.sock");
    answer = (res) => res.end("hello");
    askedPaths = [];
    server = createServer((req, res) => {
      askedPaths.push(req.url!);
      answer(res);
    }).listen(path);
    await once(server, "listening");
    line = new PeerLine({ kind: "unix", path }, OPTIONS, pino({ level: "silent" }));
  });

  afterEach(async () => {
    await line.close();
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  const isSilence = (): void => {};
  const body = (said: PeerAnswer | string): string => (typeof said === "string" ? said : said.body);

  it("hands over what the peer says", async () => {
    answer = (res) => res.writeHead(202, { location: "/payments/x", "content-type": "text/plain" }).end("hello");
    expect(await line.call(ASK)).to.deep.equal({
      status: 202,
      body: "hello",
      location: "/payments/x",
      contentType: "text/plain",
    });
  });

  it("gives every call one deadline, the waiting for a connection included", async () => {
    answer = isSilence;
    const beganAtMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 50 }, () => line.call(ASK)));
    expect(performance.now() - beganAtMs).to.be.within(TIMEOUT_MS - 5, 5 * TIMEOUT_MS);
    const unanswered = answers.filter((said) => said === "unanswered").length;
    const unsent = answers.filter((said) => said === "unsent").length;
    // Who gets a place at the very end of its time is sent too.
    expect(unanswered).to.be.within(CONNECTIONS, 2 * CONNECTIONS);
    expect(unanswered + unsent).to.equal(answers.length);
    expect(askedPaths.filter((asked) => asked === ASK.path).length).to.be.at.most(unanswered);
  });

  it("gives the deadline to an answer that trickles too", async () => {
    answer = (res) => {
      const timer = setInterval(() => res.write("x"), 20);
      res.once("close", () => clearInterval(timer));
    };
    const beganAtMs = performance.now();
    expect(await line.call(ASK)).to.equal("unanswered");
    expect(performance.now() - beganAtMs).to.be.below(5 * TIMEOUT_MS);
  });

  it("fails later calls at once, asks by itself now and then, and calls again when that is answered", async () => {
    answer = isSilence;
    expect(await line.call(ASK)).to.equal("unanswered");
    const beganAtMs = performance.now();
    for (let i = 0; i < 100; i++) expect(await line.call(ASK)).to.equal("unsent");
    expect(performance.now() - beganAtMs).to.be.below(TIMEOUT_MS);
    await until("the peer is asked", () => askedPaths.includes(LINK_HEALTH));
    await sleep(TIMEOUT_MS);
    expect(askedPaths.filter((asked) => asked === LINK_HEALTH).length).to.be.at.most(2);
    answer = (res) => res.end(LINK_HEALTH_BODY);
    await until("it is called again", async () => body(await line.call(ASK)) === LINK_HEALTH_BODY);
    expect(askedPaths.filter((asked) => asked === ASK.path)).to.have.length(2);
  });

  it("takes a call that had less time for no sign of silence", async () => {
    answer = isSilence;
    expect(await line.call({ ...ASK, timeoutMs: TIMEOUT_MS / 4 })).to.equal("unanswered");
    answer = (res) => res.end("hello");
    expect(body(await line.call(ASK))).to.equal("hello");
  });

  it("takes a peer that says something to somebody for none that is silent", async () => {
    answer = isSilence;
    const slow = line.call(ASK);
    await until("it is asked", () => askedPaths.length === 1);
    answer = (res) => res.end("hello");
    await line.call(ASK);
    expect(await slow).to.equal("unanswered");
    expect(body(await line.call(ASK))).to.equal("hello");
  });

  it("lets no more wait than are allowed", async () => {
    answer = isSilence;
    const calls = Array.from({ length: CALLS_MAX }, () => line.call(ASK));
    expect(await line.call(ASK)).to.equal("unsent");
    await Promise.all(calls);
    expect(askedPaths.filter((asked) => asked === ASK.path).length).to.be.at.most(2 * CONNECTIONS);
  });

  it("tells a peer that is not there from one that hung up, which may have read what it was sent", async () => {
    answer = (res) => res.destroy();
    expect(await line.call({ method: "POST", path: "/payments", body: Buffer.from("{}") })).to.equal("unanswered");
    server.close();
    server.closeAllConnections();
    await once(server, "close");
    for (let i = 0; i < 3; i++) expect(await line.call(ASK)).to.equal("unsent");
  });
});
