import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { expect } from "chai";
import { HealthEndpoint } from "../../../server/health/health-endpoint.ts";
import { PeerConsent } from "../../../server/health/peer-consent.ts";
import { POLL_INTERVAL_MS } from "../../../server/health/poll-rights.ts";
import { Poller } from "../../../server/health/poller.ts";
import type { PollReport, PollResult } from "../../../server/meters/poll-report.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealNetwork } from "../../../server/system/real-network.ts";
import { RealTime } from "../../../server/system/time.ts";
import { Authority, type Certificate } from "../../support/certificates.ts";
import { processorAt } from "../../support/targets.ts";

const TIMEOUT_MS = 150;
const HEALTHY = '{"failing":false,"minResponseTime":12.5}';

function answer(body: string, fields = `Content-Length: ${Buffer.byteLength(body)}`): string {
  return `HTTP/1.1 200 OK\r\n${fields}\r\n\r\n${body}`;
}

/** Writes a bit now and then, for as long as somebody listens. */
function trickle(socket: Socket, head: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write(" "), 10);
  socket.once("close", () => clearInterval(timer));
}

function pour(socket: Socket): void {
  if (!socket.destroyed) socket.write(" ".repeat(65_536), () => pour(socket));
}

for (const scheme of ["http", "https"] as const) {
  describe(`health endpoint by ${scheme}`, () => {
    let authority: Authority | undefined;
    let certificate: Certificate | undefined;
    let server: Server;
    let endpoint: HealthEndpoint;
    let requests: string[];
    let sockets: Socket[];
    let onRequest: (socket: Socket) => void;

    before(() => {
      if (scheme === "http") return;
      authority = new Authority();
      certificate = authority.issue("127.0.0.1");
    });

    after(() => authority?.remove());

    beforeEach(async () => {
      requests = [];
      sockets = [];
      const serve = (socket: Socket): void => {
        sockets.push(socket);
        socket.on("error", () => {});
        socket.once("data", (bytes) => {
          requests.push(bytes.toString("latin1"));
          onRequest(socket);
        });
      };
      server = certificate ? createTlsServer(certificate, serve) : createServer(serve);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      endpoint = new HealthEndpoint(
        processorAt(urlOf(server, "/a/"), { tls: authority && { ca: authority.cert } }),
        { network: new RealNetwork(new NameLookup()), time: new RealTime() },
        TIMEOUT_MS,
      );
    });

    afterEach(() => {
      endpoint.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    function urlOf(target: Server, path: string): URL {
      return new URL(`${scheme}://127.0.0.1:${(target.address() as AddressInfo).port}${path}`);
    }

    it("is asked on a connection of its own, under the processor's path", async () => {
      onRequest = (socket) => socket.write(answer(HEALTHY));
      const healthy = { status: 200, result: { failing: false, minResponseMs: 12.5 } };
      expect([await endpoint.ask(), await endpoint.ask()]).to.deep.equal([healthy, healthy]);
      expect(sockets).to.have.length(2);
      const [line, ...fields] = requests[0]!.split("\r\n");
      expect(line).to.equal("GET /a/payments/service-health HTTP/1.1");
      const sent = fields.map((field) => field.toLowerCase());
      expect(sent).to.deep.equal([`host: ${urlOf(server, "").host}`, "connection: close", "", ""]);
    });

    it("may answer in any legal form", async () => {
      // undici reads no list of lengths.
      const length = scheme === "https" ? "36" : "36, 36";
      onRequest = (socket) => socket.write(answer('{"failing":true,"minResponseTime":0}', `Content-Length: ${length}`));
      expect(await endpoint.ask()).to.deep.equal({ status: 200, result: { failing: true, minResponseMs: 0 } });
    });

    const useless: [string, (socket: Socket) => void, { status: number; error: string }][] = [
      ["HTML", (socket) => socket.write(answer("<html>")), { status: 200, error: "unusable_answer" }],
      ["null", (socket) => socket.write(answer("null")), { status: 200, error: "unusable_answer" }],
      [
        "a time below 0",
        (s) => s.write(answer(HEALTHY.replace("12", "-1"))),
        { status: 200, error: "unusable_answer" },
      ],
      [
        "429",
        (socket) => socket.write("HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n"),
        { status: 429, error: "unusable_answer" },
      ],
      [
        "too much",
        (socket) => socket.write(answer(HEALTHY + " ".repeat(4096))),
        { status: 0, error: "protocol_error" },
      ],
      [
        "a flood",
        (socket) => {
          socket.write("HTTP/1.1 200 OK\r\n\r\n");
          pour(socket);
        },
        { status: 0, error: "protocol_error" },
      ],
      ["nothing", () => {}, { status: 0, error: "timed_out" }],
      ["a head that trickles", (socket) => trickle(socket, "HTTP/1.1 200 OK\r\nA:"), { status: 0, error: "timed_out" }],
      [
        "a body that trickles",
        (socket) => trickle(socket, `HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n${HEALTHY}`),
        { status: 0, error: "timed_out" },
      ],
      ["the end of the connection", (socket) => socket.end(), { status: 0, error: "connection_reset" }],
      ["another protocol", (socket) => socket.write("SSH-2.0-x\r\n"), { status: 0, error: "protocol_error" }],
    ];
    for (const [what, does, expected] of useless) {
      it(`is no news when it gives ${what}`, async () => {
        onRequest = does;
        const beganAtMs = performance.now();
        expect(await endpoint.ask()).to.deep.equal(expected);
        expect(performance.now() - beganAtMs).to.be.below(TIMEOUT_MS + 1000);
      });
    }

    it("is no news where nobody listens, or a name hangs", async () => {
      const closed = createServer().listen(0, "127.0.0.1");
      await once(closed, "listening");
      const url = urlOf(closed, "");
      closed.close();
      await once(closed, "close");
      const ask = (target: URL, names: NameLookup) =>
        new HealthEndpoint(
          processorAt(target),
          { network: new RealNetwork(names), time: new RealTime() },
          TIMEOUT_MS,
        ).ask();
      expect(await ask(url, new NameLookup())).to.deep.equal({ status: 0, error: "ECONNREFUSED" });
      const hanging = new NameLookup(() => new Promise(() => {}));
      expect(await ask(new URL(`${scheme}://hangs.test`), hanging)).to.deep.equal({ status: 0, error: "timed_out" });
      hanging.close();
    });

    it("ends a call that is out when it is closed", async () => {
      onRequest = () => endpoint.close();
      expect(await endpoint.ask()).to.deep.equal({ status: 0, error: "connection_reset" });
    });

    it("is polled again in order after an answer that trickles", async () => {
      const time = new RealTime();
      // Running for long enough to know of all polls that others have made, but not so long that it was stopped.
      let startedAgoMs = 15_000;
      const clocks = { wallMs: () => time.wallMs(), monotonicMs: () => time.monotonicMs() - startedAgoMs };
      const consent = new PeerConsent({ self: 0, processorCount: 1, peers: [], time: clocks, onHeard: () => {} });
      startedAgoMs = 0;
      const reports: PollReport[] = [];
      const results: PollResult[] = [];
      onRequest = (socket) => trickle(socket, "HTTP/1.1 200 OK\r\n\r\n");
      const poller = new Poller({
        processor: 0,
        endpoint,
        consent,
        time,
        onPolled: (result) => results.push(result),
        onReport: (report) => reports.push(report),
      });
      while (reports.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
      onRequest = (socket) => socket.write(answer(HEALTHY));
      while (reports.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      poller.close();
      const [first, second] = reports;
      expect(first).to.include({ processor: 0, status: 0, error: "timed_out" });
      expect(first!.endedAtMs - first!.beganAtMs).to.be.within(TIMEOUT_MS - 5, TIMEOUT_MS + 1000);
      expect(second!.beganAtMs - first!.endedAtMs).to.be.within(POLL_INTERVAL_MS - 5, POLL_INTERVAL_MS + 1000);
      expect(results).to.deep.equal([{ failing: false, minResponseMs: 12.5 }]);
    });
  });
}
