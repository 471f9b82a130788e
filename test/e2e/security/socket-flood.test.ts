import { expect } from "chai";
import { LIVE_SOCKETS_MAX } from "../../../server/live/live-socket.ts";
import { newPayment, pay } from "../payments.ts";
import { residentMb } from "../process-resources.ts";
import { RawConnection } from "../raw-connection.ts";
import { Service } from "../service.ts";
import { until } from "../until.ts";
import { nginxWorkerPid } from "./nginx-worker.ts";

const CONNECTIONS = 400;
const INSTANCE_MB_MAX = 150;
const NGINX_MB_MAX = 45;
const FLOOD_BYTES = 8 << 20;

const UPGRADE = [
  "GET /live HTTP/1.1",
  "Host: x",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
].join("\r\n");

/** A frame with a mask of zeros. */
function frame(opcode: number, payload: Buffer, isLast = true): Buffer {
  const head =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | opcode, ...head, 0, 0, 0, 0]), payload]);
}

const HUGE_LENGTH = Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

const RUDE: Readonly<Record<string, Buffer>> = {
  "a frame that is too large": frame(2, Buffer.alloc(1000)),
  "a frame that says it is as large as can be": HUGE_LENGTH,
  "a message in frames without an end": Buffer.concat([
    frame(1, Buffer.alloc(10), false),
    ...Array.from({ length: 1000 }, () => frame(0, Buffer.alloc(10), false)),
  ]),
  "an opcode that there is not": frame(7, Buffer.alloc(4)),
  "a ping that is too large": frame(9, Buffer.alloc(1000)),
  HTTP: Buffer.from("GET /payments-summary HTTP/1.1\r\nHost: x\r\n\r\n"),
};

describe("a flood of WebSockets on the live page", function () {
  this.timeout(60_000);
  let service: Service;
  let opened: RawConnection[] = [];

  before(async () => {
    service = await Service.start();
  });

  afterEach(async () => {
    for (const connection of opened) connection.close();
    opened = [];
    await expectAllWell();
  });

  after(() => service?.stop());

  async function open(): Promise<RawConnection> {
    const connection = new RawConnection(service.frontTarget);
    opened.push(connection);
    await connection.send(`${UPGRADE}\r\n\r\n`);
    await until("the upgrade is answered", () => connection.headCount > 0 || connection.isClosed);
    return connection;
  }

  /** As somebody new finds it, once those before have been noticed to be gone. */
  async function openOne(): Promise<RawConnection> {
    let connection = await open();
    await until("there is room for one more", async () => {
      if (connection.status !== 101) connection = await open();
      return connection.status === 101;
    });
    return connection;
  }

  async function expectAllWell(): Promise<void> {
    expect((await pay(service.front, newPayment())).status).to.equal(202);
    for (const number of [1, 2]) expect(residentMb(service.pidOf(`instance-${number}`)!)).to.be.below(INSTANCE_MB_MAX);
    expect(residentMb(nginxWorkerPid(service))).to.be.below(NGINX_MB_MAX);
  }

  it("lets in as many as an instance bears, and answers 503 to the others", async () => {
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, open));
    const statuses = connections.map(({ status }) => status);
    const count = (status: number): number => statuses.filter((one) => one === status).length;
    expect(count(101)).to.be.within(LIVE_SOCKETS_MAX, 2 * LIVE_SOCKETS_MAX);
    expect(count(503)).to.equal(CONNECTIONS - count(101));
    await expectAllWell();
  });

  it("lets somebody new in once they have gone", async () => {
    await Promise.all(Array.from({ length: CONNECTIONS }, open));
    for (const connection of opened) connection.close();
    expect((await openOne()).status).to.equal(101);
  });

  for (const [what, bytes] of Object.entries(RUDE)) {
    it(`ends the connection of one that sends ${what}`, async () => {
      const connection = await openOne();
      await connection.send(bytes);
      await until("the connection is closed", () => connection.isClosed);
    });
  }

  it("is not held up by those that ping and never read", async () => {
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => frame(9, Buffer.alloc(8))));
    const deaf = await Promise.all(Array.from({ length: 8 }, openOne));
    for (const connection of deaf) connection.stopReading();
    const flood = deaf.map(async (connection) => {
      for (let sent = 0; sent < FLOOD_BYTES && !connection.isClosed; sent += pings.length)
        await Promise.race([connection.send(pings), new Promise((resolve) => setTimeout(resolve, 250).unref())]);
    });
    const looker = await openOne();
    looker.dropReceived();
    await Promise.all(flood);
    await until("a page that reads hears the next news", () => looker.receivedBytes > 0);
    await expectAllWell();
  });
});
