import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { ArrivalSchedule, arrivalsMs } from "../../../perf/lab/load/arrival-schedule.ts";
import { LoadGenerator } from "../../../perf/lab/load/load-generator.ts";
import { summarise } from "../../../perf/lab/load/load-summary.ts";
import { closedLoop, paymentCountAt, rampOfUsers } from "../../../perf/lab/load/user-schedule.ts";

const ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
const REFUSED = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

type OpenLoopWish = {
  readonly timeoutMs: number;
  readonly connectionCountMax: number;
  readonly pacing: "thread" | "timer";
};
const OPEN_LOOP: OpenLoopWish = { timeoutMs: 2000, connectionCountMax: 1000, pacing: "thread" };

describe("load generator", () => {
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

  const target = (): URL => new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  function openLoop(ratePerSecond: number, durationMs: number, more: Partial<OpenLoopWish> = {}): LoadGenerator {
    const { timeoutMs, connectionCountMax, pacing } = { ...OPEN_LOOP, ...more };
    const dueMs = arrivalsMs([{ ratePerSecond, durationMs }]);
    return new LoadGenerator({
      target: target(),
      schedule: new ArrivalSchedule(dueMs, connectionCountMax),
      timeoutMs,
      exactDueMs: pacing === "thread" ? dueMs : undefined,
    });
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
      expect(record.endedMs.every((endedMs, i) => endedMs >= record.sentMs[i]!)).to.equal(true);
    });
  }

  it("shows a service that stands still in the percentiles: what was due meanwhile has waited", async () => {
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

  it("pays in a closed loop as fast as it is answered, one payment out on each connection", async () => {
    let outMax = 0;
    let outCount = 0;
    onRequest = (socket) => {
      outMax = Math.max(outMax, ++outCount);
      setTimeout(() => {
        outCount--;
        socket.write(ACCEPTED);
      }, 5);
    };
    const load = new LoadGenerator({ target: target(), schedule: closedLoop(4, 400), timeoutMs: 1000 });
    const record = await load.run();
    expect({ outMax, connections: sockets.size, failed: record.failedCount }).to.deep.equal({
      outMax: 4,
      connections: 4,
      failed: 0,
    });
    expect(record.acceptedCount).to.be.within(40, 4 * 80);
    expect(bodies).to.have.length(record.acceptedCount);
    expect(summarise(record).serviceMs.at(50)).to.be.within(3, 100);
  });

  it("plays users who sleep between their payments, each on a connection of its own", async () => {
    const load = { userCount: 5, durationMs: 600, sleepMs: 100 };
    const record = await new LoadGenerator({ target: target(), schedule: rampOfUsers(load), timeoutMs: 1000 }).run();
    expect(sockets.size).to.equal(4);
    expect(record.acceptedCount).to.be.within(10, paymentCountAt(0, load));
    expect(record.sentMs.every((sentMs, i) => sentMs >= record.dueMs[i]!)).to.equal(true);
  });

  it("sends the last payment as well where the thread's clock is ahead of its own", async () => {
    const dueMs = arrivalsMs([{ ratePerSecond: 100, durationMs: 100 }]);
    const exactDueMs = new Float64Array(new SharedArrayBuffer(dueMs.byteLength));
    exactDueMs.set(dueMs.map((due) => due - 90));
    const schedule = new ArrivalSchedule(dueMs, 10);
    const record = await new LoadGenerator({ target: target(), schedule, timeoutMs: 1000, exactDueMs }).run();
    expect(record.acceptedCount).to.equal(10);
    expect(record.sentMs.every((sentMs, i) => sentMs >= dueMs[i]!)).to.equal(true);
  });

  it("counts an answer that came too late as none, before anybody has looked for it", async () => {
    onRequest = (socket) => setTimeout(() => socket.write(ACCEPTED), 30);
    const load = new LoadGenerator({ target: target(), schedule: closedLoop(1, 100), timeoutMs: 20 });
    expect((await load.run()).acceptedCount).to.equal(0);
    expect(Object.keys(load.record.failures)).to.deep.equal(["timeout"]);
  });
});
