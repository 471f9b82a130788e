import { expect } from "chai";
import type { Target } from "../caller.ts";
import { newPayment, pay } from "../payments.ts";
import { residentMb } from "../process-resources.ts";
import { RawConnection } from "../raw-connection.ts";
import { Service } from "../service.ts";
import { until } from "../until.ts";
import { nginxWorkerPid } from "./nginx-worker.ts";

/** An instance is to stay below this, and the balancer, whatever is sent. */
const INSTANCE_MB_MAX = 150;
const NGINX_MB_MAX = 40;
const PIECE = "x".repeat(65_536);
const SENT_BYTES_MAX = 32 << 20;

const START = "POST /payments HTTP/1.1\r\nHost: x\r\n";
const CHUNKED = `${START}Transfer-Encoding: chunked\r\n\r\n`;

/** What begins a request, and what is sent behind it without an end. */
const ENDLESS: Readonly<Record<string, [start: string, piece: string]>> = {
  "a target": ["GET /", PIECE],
  "a method": ["", PIECE.toUpperCase()],
  "a header's value": [`${START}X: `, PIECE],
  "a header's name": [START, PIECE],
  headers: [START, "X: y\r\n".repeat(10_000)],
  "a host": ["GET /health HTTP/1.1\r\nHost: ", PIECE],
  "a body as long as it says": [`${START}Content-Length: ${1 << 30}\r\n\r\n`, PIECE],
  chunks: [CHUNKED, `10000\r\n${PIECE}\r\n`],
  "tiny chunks": [CHUNKED, "1\r\nx\r\n".repeat(10_000)],
  "a chunk": [`${CHUNKED}40000000\r\n`, PIECE],
};

/** What nginx reads on and throws away, byte by byte, as long as it comes: it costs the sender as much. */
const THROWN_AWAY: typeof ENDLESS = {
  "a chunk's extension": [`${CHUNKED}1;`, PIECE],
  "a chunk's size": [CHUNKED, "0".repeat(65_536)],
  trailers: [`${CHUNKED}0\r\n`, "X: y\r\n".repeat(10_000)],
};

/** Headers that the balancer passes on: all together they are more than uWebSockets takes. */
const PASSED = ["Content-Type", "X-Request-Id", "traceparent", "tracestate", "Origin"];

describe("requests without measure", function () {
  this.timeout(60_000);
  let service: Service;

  before(async () => {
    service = await Service.start();
  });

  after(() => service?.stop());

  /** Until the other side has had enough; resolves to how many bytes it, or the kernel for it, has taken. */
  async function sendWithoutEnd(target: Target, start: string, piece: string): Promise<[RawConnection, number]> {
    const connection = new RawConnection(target);
    await connection.send(start);
    let sentBytes = 0;
    while (!connection.isClosed && connection.headCount === 0 && sentBytes < SENT_BYTES_MAX) {
      await connection.send(piece);
      sentBytes += piece.length;
      // An answer may have come meanwhile.
      await new Promise(setImmediate);
    }
    return [connection, sentBytes];
  }

  async function expectAllWell(what: string): Promise<void> {
    expect((await pay(service.front, newPayment())).status, what).to.equal(202);
    for (const caller of service.instances) expect((await pay(caller, newPayment())).status, what).to.equal(202);
    for (const { name, state, pid } of service.topology.processes) {
      expect(state, `${what}: ${name}`).to.equal("running");
      if (name.startsWith("instance-")) expect(residentMb(pid!), `${what}: ${name}`).to.be.below(INSTANCE_MB_MAX);
    }
    expect(residentMb(nginxWorkerPid(service)), what).to.be.below(NGINX_MB_MAX);
  }

  for (const [what, [start, piece]] of Object.entries(ENDLESS)) {
    it(`are cut short by the balancer: ${what} without an end`, async () => {
      const [connection, sentBytes] = await sendWithoutEnd(service.frontTarget, start, piece);
      const status = connection.headCount > 0 ? connection.status : undefined;
      expect(status).to.be.oneOf([undefined, 400, 413, 414, 431]);
      expect(sentBytes).to.be.below(SENT_BYTES_MAX);
      connection.close();
      await expectAllWell(what);
    });
  }

  for (const [what, [start, piece]] of Object.entries(THROWN_AWAY)) {
    it(`never get past the balancer, and cost it no memory: ${what} without an end`, async () => {
      const [connection, sentBytes] = await sendWithoutEnd(service.frontTarget, start, piece);
      expect(connection.headCount > 0 || connection.isClosed || sentBytes >= SENT_BYTES_MAX).to.equal(true);
      await expectAllWell(what);
      connection.close();
    });
  }

  it("cost an instance by itself no memory", async () => {
    const target = { socketPath: service.topology.instanceSocket(1) };
    for (const [what, [start, piece]] of Object.entries({ ...ENDLESS, ...THROWN_AWAY })) {
      const connections = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const connection = new RawConnection(target);
          await connection.send(start);
          for (let i = 0; i < 32 && !connection.isClosed; i++) await sendOrGiveUp(connection, piece);
          return connection;
        }),
      );
      for (const connection of connections) connection.close();
      await expectAllWell(what);
    }
  });

  it("with more headers than an instance takes are an error, of that request alone", async () => {
    const headers = PASSED.map((name) => `${name}: ${"a".repeat(3900)}\r\n`);
    for (let count = 1; count <= headers.length; count++) {
      const connection = new RawConnection(service.frontTarget);
      await connection.send(`GET /health HTTP/1.1\r\nHost: x\r\n${headers.slice(0, count).join("")}\r\n`);
      await until(`an answer to ${count} long headers`, () => connection.headCount > 0 || connection.isClosed);
      expect(connection.status, `headers=${count}`).to.be.oneOf([200, 400, 431, 503]);
      connection.close();
      await expectAllWell(`headers=${count}`);
    }
  });
});

/** Whoever is not read any more is not waited for. */
async function sendOrGiveUp(connection: RawConnection, piece: string): Promise<void> {
  const timer = new Promise<void>((resolve) => setTimeout(resolve, 100).unref());
  await Promise.race([connection.send(piece), timer]);
}
