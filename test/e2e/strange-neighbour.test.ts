import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type Answer, Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPaymentOf, pay } from "./payments.ts";
import { until } from "./until.ts";

const LINK_TIMEOUT_MS = 2000;
const HTML = "<!doctype html><html><body>It works!</body></html>";

function http(status: string, contentType: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

const PART = '{"partition":1,"epoch":1,"processors":["default","fallback"],"totals":[1,2,3,4],"settledUntilMs":1}';

/** What somebody who is no instance may say to whatever is asked. */
const STRANGERS: Readonly<Record<string, string>> = {
  "a web page": http("200 OK", "text/html", HTML),
  "a web page that is not found": http("404 Not Found", "text/html", HTML),
  "another service's own 404": http("404 Not Found", "application/json", '{"status":404}'),
  "a redirection": "HTTP/1.1 302 Found\r\nLocation: /payments/login\r\nContent-Length: 0\r\n\r\n",
  "a bare 202": "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
  "empty JSON": http("200 OK", "application/json", "{}"),
  null: http("200 OK", "application/json", "null"),
  "JSON cut off": http(
    "200 OK",
    "application/json",
    '[{"partition":1,"epoch":1,"processors":["default","fallback"],"totals":[1,2',
  ),
  "totals of another kind": http(
    "200 OK",
    "application/json",
    '[{"partition":1,"epoch":1,"processors":["default","fallback"],"totals":[1,"2",3,4],"settledUntilMs":1}]',
  ),
  "too few totals": http(
    "200 OK",
    "application/json",
    '[{"partition":1,"epoch":1,"processors":["default","fallback"],"totals":[1,2],"settledUntilMs":1}]',
  ),
  "negative totals": http(
    "200 OK",
    "application/json",
    '[{"partition":1,"epoch":1,"processors":["default","fallback"],"totals":[1,2,-3,4],"settledUntilMs":1}]',
  ),
  "no watermark": http(
    "200 OK",
    "application/json",
    '[{"partition":1,"epoch":1,"processors":["default","fallback"],"totals":[1,2,3,4],"settledUntilMs":null}]',
  ),
  "a partition twice": http("200 OK", "application/json", `[${PART},${PART}]`),
  "a summary of the protocol before": http("200 OK", "application/json", PART),
  "partitions that were purged, and more": http("200 OK", "application/json", '{"partitions":[0,256]}'),
  "a line that is none of its bulletins": http("200 OK", "application/json", '{"instance":0,"life":"x"}\n'),
  "a processor's word": http("200 OK", "application/json", '{"message":"payment processed successfully"}'),
  "two megabytes": http("200 OK", "text/plain", "x".repeat(2 << 20)),
  "no HTTP at all": "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
  "half a head": "HTTP/1.1 200 OK\r\nContent-Ty",
  "nothing, and hangs up": "",
};

const BULLETINS = "GET /2/bulletins ";
const BULLETIN_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n";
const HEARTBEAT_MS = 200;

/** That it is instance 2, and carries its partition. */
function bulletin(): string {
  const carries = [{ partition: 1, epoch: 1, state: "carried", sinceMs: Date.now() }];
  return `${JSON.stringify({ instance: 1, life: "x", upMs: performance.now(), isLeaving: false, carries })}\n`;
}

describe("an instance whose neighbour is somebody else", () => {
  let folder: string;
  let stranger: Server;
  let says = "";
  /** Whether it says all the while that it is a neighbour. */
  let saysItCarries = true;
  let child: ChildProcess;
  let caller: Caller;
  const sockets = new Set<Socket>();

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-stranger-"));
    stranger = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      socket.once("data", (head) => {
        if (saysItCarries && head.toString().startsWith(BULLETINS)) tellBulletins(socket);
        else socket.end(says);
      });
    }).listen(join(folder, "stranger.sock"));
    await once(stranger, "listening");
    const links = [join(folder, "link.sock"), join(folder, "stranger.sock")].map((path) => `unix:${path}`);
    const started = await startLoneInstance(folder, "ignore", {
      LINKS: links.join(","),
      LINK_TIMEOUT_MS: String(LINK_TIMEOUT_MS),
      PURGE_ENABLED: "true",
      LOG_LEVEL: "silent",
    });
    child = started.child;
    caller = new Caller({ socketPath: started.socketPath });
  });

  after(async () => {
    caller?.close();
    if (child?.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    for (const socket of sockets) socket.destroy();
    stranger?.close();
    rmSync(folder, { recursive: true });
  });

  function expectUnavailable(answer: Answer, what: string): Record<string, unknown> {
    expect(answer.status, `${what}: ${answer.body}`).to.equal(503);
    expect(answer.headers, what).to.include({ "retry-after": "1", "content-type": "application/problem+json" });
    return JSON.parse(answer.body) as Record<string, unknown>;
  }

  function tellBulletins(socket: Socket): void {
    socket.write(BULLETIN_HEAD + bulletin());
    const heartbeat = setInterval(() => socket.write(bulletin()), HEARTBEAT_MS);
    socket.on("close", () => clearInterval(heartbeat));
  }

  for (const [what, said] of Object.entries(STRANGERS)) {
    it(`that says it carries a partition: takes ${what} for no answer, and goes on`, async () => {
      says = said;
      const [summary, lookup, purge, forwarded] = await Promise.all([
        caller.get("/payments-summary"),
        caller.get(`/payments/${newPaymentOf(2).correlationId}`),
        caller.ask("POST", "/purge-payments"),
        pay(caller, newPaymentOf(2)),
      ]);
      expectUnavailable(summary, "summary");
      expectUnavailable(lookup, "payment");
      expectUnavailable(purge, "purge");
      expect(expectUnavailable(forwarded, "forwarded")).to.include({ accepted: "unknown" });
      expect((await caller.get("/ready")).status).to.equal(200);
      expect((await pay(caller, newPaymentOf(1))).status).to.equal(202);
    });
  }

  it("carries everything itself once nobody says any more that he does", async () => {
    saysItCarries = false;
    says = HTML;
    for (const socket of sockets) socket.destroy();
    await until("payments are accepted", async () => (await pay(caller, newPaymentOf(2))).status === 202);
    for (const said of Object.values(STRANGERS)) {
      says = said;
      expect((await caller.get("/payments-summary")).status).to.equal(200);
      for (const instance of [1, 2]) expect((await pay(caller, newPaymentOf(instance))).status).to.equal(202);
    }
    const { peers } = JSON.parse((await caller.get("/ready")).body);
    expect(peers[0]).to.include({ instance: 2, reachable: false });
    expect((await caller.ask("POST", "/purge-payments")).status).to.equal(200);
  });

  it("goes on when nobody is there at all", async () => {
    stranger.close();
    for (const socket of sockets) socket.destroy();
    await once(stranger, "close");
    for (const instance of [1, 2]) expect((await pay(caller, newPaymentOf(instance))).status).to.equal(202);
    expect(child.exitCode).to.equal(null);
  });
});
