import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { scheduleArrivals } from "../../../perf/lab/load/arrivals.ts";
import { summarise } from "../../../perf/lab/load/load-summary.ts";
import { OpenLoop, type OpenLoopOptions } from "../../../perf/lab/load/open-loop.ts";

const ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
const REFUSED = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

describe("open loop", () => {
  let server: Server;
  let sockets: Set<Socket>;
  let bodies: string[];
  let onRequest: (socket: Socket) => void;

  beforeEach(async () => {
    sockets = new Set();
    bodies = [];
    onRequest = (socket) => socket.write(ACCEPTED);
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        bodies.push(bytes.toString("latin1").split("\r\n\r\n")[1]!);
        onRequest(socket);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterEach(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });

  function openLoop(ratePerSecond: number, durationMs: number, more: Partial<OpenLoopOptions> = {}): OpenLoop {
    const target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const dueMs = scheduleArrivals([{ ratePerSecond, durationMs }]);
    return new OpenLoop({ target, dueMs, timeoutMs: 2000, connectionCountMax: 1000, pacing: "thread", ...more });
  }

  for (const pacing of ["thread", "timer"] as const) {
    it(`sends every payment once, none before it is due, with ids of their own (${pacing})`, async () => {
      const record = await openLoop(400, 500, { pacing }).run();
      expect(record.acceptedCount).to.equal(200);
      expect(record.failures).to.deep.equal({});
      const ids = bodies.map((body) => (JSON.parse(body) as { correlationId: string; amount: number }).correlationId);
      expect(new Set(ids).size).to.equal(200);
      expect(JSON.parse(bodies[0]!)).to.have.property("amount", 19.9);
      expect(record.sentMs.every((sentMs, i) => sentMs >= record.dueMs[i]!)).to.equal(true);
      expect(record.answeredMs.every((answeredMs, i) => answeredMs >= record.sentMs[i]!)).to.equal(true);
    });
  }

  it("shows a service that stands still in the percentiles: what was due meanwhile is sent, and has waited", async () => {
    const held: Socket[] = [];
    let isStalled = false;
    onRequest = (socket) => (isStalled ? held.push(socket) : socket.write(ACCEPTED));
    const load = openLoop(400, 1500);
    const running = load.run();
    setTimeout(() => {
      isStalled = true;
    }, 500);
    setTimeout(() => {
      isStalled = false;
      for (const socket of held) socket.write(ACCEPTED);
    }, 1000);
    const { latencyMs, dueCount, failedCount } = summarise(await running);
    expect(failedCount).to.equal(0);
    // A third of the payments were due during the standstill, and had 0 to 500 ms of it before them.
    expect(held.length).to.be.within(150, 250);
    expect(load.connectionCount).to.be.at.least(held.length);
    expect(latencyMs.count).to.equal(dueCount);
    expect(latencyMs.at(99)).to.be.within(450, 700);
    expect(latencyMs.at(85)).to.be.within(150, 450);
    expect(latencyMs.at(50)).to.be.below(100);
  });

  it("counts a standstill of its own from when the payments were due, and shows it as its lateness", async () => {
    const running = openLoop(400, 1000).run();
    setTimeout(() => {
      for (const untilMs = performance.now() + 300; performance.now() < untilMs; );
    }, 400);
    const { latencyMs, serviceMs, latenessMs, failedCount } = summarise(await running);
    expect(failedCount).to.equal(0);
    expect(latencyMs.at(99)).to.be.above(250);
    expect(latenessMs.at(99)).to.be.above(250);
    expect(serviceMs.at(50)).to.be.below(100);
  });

  it("counts what finds no connection as failed, and opens no more of them than allowed", async () => {
    onRequest = () => {};
    const record = await openLoop(200, 500, { connectionCountMax: 10, timeoutMs: 700 }).run();
    expect(record.failures).to.deep.equal({ "no free connection": 90, timeout: 10 });
    expect(sockets.size).to.equal(10);
    expect(summarise(record).latencyMs.count).to.equal(0);
  });

  it("counts refusals and broken connections as failed, their times do not flatter the others", async () => {
    onRequest = (socket) => (bodies.length % 2 === 0 ? socket.write(REFUSED) : socket.destroy());
    const { failures, failedCount, acceptedCount, latencyMs } = summarise(await openLoop(200, 500).run());
    expect(failedCount).to.equal(100);
    expect(failures["status 503"]).to.be.within(40, 60);
    expect(acceptedCount).to.equal(0);
    expect(latencyMs.count).to.equal(0);
  });

  it("can be called off", async () => {
    const load = openLoop(200, 60_000);
    const running = load.run();
    setTimeout(() => load.close(), 300);
    const record = await running;
    expect(record.acceptedCount).to.be.within(1, 100);
  });

  it("leaves out the first part of a load on demand, but none of its failures", async () => {
    onRequest = (socket) => socket.write(bodies.length <= 100 ? REFUSED : ACCEPTED);
    const record = await openLoop(200, 1000).run();
    const { dueCount, failedCount, seconds, latencyMs } = summarise(record, 500);
    expect({ dueCount, failedCount }).to.deep.equal({ dueCount: 100, failedCount: 100 });
    expect(latencyMs.count).to.equal(100);
    expect(seconds).to.have.length(1);
  });
});
