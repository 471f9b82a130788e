import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { bodyOf, newPayment, pay } from "../payments.ts";
import { openFileCount, residentMb } from "../process-resources.ts";
import { RawConnection } from "../raw-connection.ts";
import { Service } from "../service.ts";
import { countOf, summaryOf, untilProcessed } from "../summaries.ts";
import { until } from "../until.ts";
import { nginxWorkerPid } from "./nginx-worker.ts";

const SLOW_OF_EACH_KIND = 1000;
const BATCH = 250;
const DRIP_MS = 500;
/** For nginx to have asked the instances, and less than it waits for them. */
const STANDSTILL_MS = 300;
const PAYMENTS = 600;
const AT_ONCE = 20;
/** Its limit in docker/compose.yml is 50 MB. */
const NGINX_MB_MAX = 45;
const INSTANCE_MB_MAX = 150;
/** Those of the test, and some for everything else. */
const DESCRIPTORS_MIN = 3 * SLOW_OF_EACH_KIND + 500;

describe("3 000 slow clients", function () {
  this.timeout(120_000);
  let service: Service;
  let drip: NodeJS.Timeout | undefined;
  const slow: { connection: RawConnection; next: () => string }[] = [];

  before(async function () {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
    if (limit < DESCRIPTORS_MIN) {
      console.log(`      skipped: open files must be allowed (ulimit -n): limit=${limit} min=${DESCRIPTORS_MIN}`);
      this.skip();
    }
    service = await Service.start();
  });

  after(async () => {
    clearInterval(drip);
    for (const { connection } of slow) connection.close();
    await service?.stop();
  });

  /** Connections that have said `begun`, and say `next` from time to time. */
  async function hold(begun: () => string, next: () => string): Promise<void> {
    for (let count = 0; count < SLOW_OF_EACH_KIND; count += BATCH) {
      const batch = Array.from({ length: BATCH }, () => new RawConnection(service.frontTarget));
      for (const connection of batch) slow.push({ connection, next });
      await Promise.all(batch.map((connection) => connection.send(begun())));
    }
  }

  it("hold connections: 1 000 amid their headers, 1 000 amid a body, 1 000 idle behind an answer", async () => {
    await hold(
      () => "POST /payments HTTP/1.1\r\nHost: x\r\nX-Slow: ",
      () => "a",
    );
    await hold(
      () => `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n${bodyOf(newPayment())}`,
      () => " ",
    );
    await hold(
      () => "",
      () => "",
    );
    const idle = slow.slice(-SLOW_OF_EACH_KIND);
    // All of them ask at once, and the instances stand still: so each holds a second connection of nginx.
    const pids = [1, 2].map((number) => service.pidOf(`instance-${number}`)!);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    try {
      await Promise.all(idle.map(({ connection }) => connection.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")));
      await sleep(STANDSTILL_MS);
    } finally {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    }
    await until("the idle ones are answered", () => idle.every(({ connection }) => connection.status === 200));
    drip = setInterval(() => {
      for (const { connection, next } of slow) if (!connection.isClosed && next() !== "") void connection.send(next());
    }, DRIP_MS);
    expect(slow.filter(({ connection }) => connection.isClosed)).to.have.length(0);
    expect(openFileCount(nginxWorkerPid(service))).to.be.above(slow.length);
  });

  it("keep nobody else from being answered", async () => {
    const payments = Array.from({ length: PAYMENTS }, () => newPayment());
    for (let at = 0; at < PAYMENTS; at += AT_ONCE) {
      const answers = await Promise.all(payments.slice(at, at + AT_ONCE).map((payment) => pay(service.front, payment)));
      expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 202));
    }
    await untilProcessed(service, PAYMENTS);
    expect(countOf(await summaryOf(service.front))).to.equal(PAYMENTS);
    expect(slow.filter(({ connection }) => connection.isClosed)).to.have.length(0);
  });

  it("reach no instance, and cost little memory", () => {
    for (const number of [1, 2]) {
      const pid = service.pidOf(`instance-${number}`)!;
      expect(openFileCount(pid)).to.be.below(700);
      expect(residentMb(pid)).to.be.below(INSTANCE_MB_MAX);
    }
    expect(residentMb(nginxWorkerPid(service))).to.be.below(NGINX_MB_MAX);
  });

  it("leave nothing behind", async () => {
    clearInterval(drip);
    for (const { connection } of slow) connection.close();
    await until("the balancer has closed them", () => openFileCount(nginxWorkerPid(service)) < 400);
    expect((await pay(service.front, newPayment())).status).to.equal(202);
  });
});
