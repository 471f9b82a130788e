import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Target } from "./caller.ts";
import { bodyOf, instanceOf, newPayment, newPaymentOf, type Payment, pay, viewOf } from "./payments.ts";
import { openFileCount, residentMb } from "./process-resources.ts";
import { RawConnection } from "./raw-connection.ts";
import { Service } from "./service.ts";
import { untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

/** An instance is to stay below this, whatever is done to it. */
const RESIDENT_MB_MAX = 150;

function head(method: string, path: string, headers: string[] = []): string {
  return `${[`${method} ${path} HTTP/1.1`, "Host: x", ...headers].join("\r\n")}\r\n\r\n`;
}

function postOf(body: string): string {
  return head("POST", "/payments", [`Content-Length: ${Buffer.byteLength(body)}`]) + body;
}

describe("requests byte by byte", () => {
  let service: Service;
  let accepted: Payment[] = [];

  before(async () => {
    service = await Service.start();
  });

  after(() => service?.stop());

  /** Every way in. */
  function ways(): { way: string; target: Target }[] {
    const sockets = [1, 2].map((number) => ({
      way: `instance ${number}`,
      target: { socketPath: service.topology.instanceSocket(number) },
    }));
    return [{ way: "balancer", target: service.frontTarget }, ...sockets];
  }

  async function onEveryWay(story: (connection: RawConnection, way: string) => Promise<void>): Promise<void> {
    for (const { way, target } of ways()) {
      const connection = new RawConnection(target);
      try {
        await story(connection, way);
      } catch (error) {
        throw new Error(`${way}: ${error instanceof Error ? error.message : error}`, { cause: error });
      } finally {
        connection.close();
      }
    }
  }

  async function expectAlive(): Promise<void> {
    for (const caller of [service.front, ...service.instances])
      expect((await caller.get("/health")).status).to.equal(200);
    for (const { name, state } of service.topology.processes) expect(state, name).to.equal("running");
  }

  it("are answered in their order when they come all at once", async () => {
    const connection = new RawConnection(service.frontTarget);
    const payments = Array.from({ length: 100 }, (_, i) => newPayment(100 + i));
    // Each twice, so that every other answer has another shape.
    await connection.send(payments.map((payment) => postOf(bodyOf(payment)).repeat(2)).join(""));
    const answers = await connection.answers(payments.length * 2);
    connection.close();
    for (const [i, { correlationId, cents }] of payments.entries()) {
      expect(answers[2 * i], `answer ${2 * i}`).to.deep.include({ status: 202, body: "" });
      expect(answers[2 * i]!.headers["location"]).to.equal(`/payments/${correlationId}`);
      expect(answers[2 * i + 1]!.status, `answer ${2 * i + 1}`).to.equal(200);
      expect(JSON.parse(answers[2 * i + 1]!.body)).to.include({ correlationId, amount: cents / 100 });
    }
    accepted.push(...payments);
  });

  it("at worst end the connection when they come all at once at an instance, and can be repeated", async () => {
    // uWebSockets denies pipelining behind an answer that is not there at once. The balancer never pipelines.
    for (const { target } of ways().slice(1)) {
      const payments = Array.from({ length: 20 }, (_, i) => newPayment(100 + i));
      const connection = new RawConnection(target);
      await connection.send(payments.map((payment) => postOf(bodyOf(payment))).join(""));
      await until("the requests are answered, or the connection is closed", () => {
        return connection.isClosed || connection.headCount === payments.length;
      });
      connection.close();
      for (const payment of payments) expect((await pay(service.front, payment)).status).to.be.oneOf([200, 202]);
      accepted.push(...payments);
    }
    await expectAlive();
  });

  it("leave the connection usable, whatever their method and answer", async () => {
    const [payment] = accepted;
    const unknown = "0b4eaf30-9e5e-4e0c-8b6a-3d1c5f7a90ff";
    const payments = [`/payments/${payment!.correlationId}`, `/payments/${unknown}`, "/payments"];
    const paths = [...payments, "/payments-summary", "/payments-summary?from=x", "/health", "/ready", "/nowhere"];
    await onEveryWay(async (connection) => {
      for (const path of paths) {
        for (const method of ["HEAD", "OPTIONS", "GET", "DELETE"]) {
          const expected = (await service.front.ask(method, path)).status;
          await connection.send(head(method, path));
          await until(`${method} ${path} is answered`, () => connection.headCount === 1 || connection.isClosed);
          expect(connection.status, `${method} ${path}`).to.equal(expected);
          // A body still on its way would be taken for the next answer.
          if (method !== "HEAD") await connection.answers(1);
          connection.dropReceived();
        }
      }
    });
  });

  it("may come a few bytes at a time", async () => {
    await onEveryWay(async (connection, way) => {
      const payment = newPayment(777);
      const bytes = Buffer.from(postOf(bodyOf(payment)));
      // uWebSockets wants the request line in one piece. The balancer sends it so.
      const first = way === "balancer" ? 3 : bytes.indexOf("\n") + 1;
      await connection.send(bytes.subarray(0, first));
      for (let at = first; at < bytes.length; at += 9) {
        await connection.send(bytes.subarray(at, at + 9));
        await sleep(1);
      }
      expect((await connection.answers(1))[0]!.status).to.equal(202);
      accepted.push(payment);
    });
  });

  it("may be chunked in any way", async () => {
    await onEveryWay(async (connection) => {
      const payment = newPayment(888);
      const chunks = bodyOf(payment)
        .match(/.{1,11}/gs)!
        .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
      for (const part of [head("POST", "/payments", ["Transfer-Encoding: chunked"]), ...chunks, "0\r\n\r\n"]) {
        await connection.send(part);
        await sleep(1);
      }
      expect((await connection.answers(1))[0]!.status).to.equal(202);
      accepted.push(payment);
    });
  });

  it("have too large a body refused, and the next one answered", async () => {
    for (const { target } of ways().slice(1)) {
      const connection = new RawConnection(target);
      await connection.send(postOf("x".repeat(50_000)) + head("GET", "/health"));
      expect((await connection.answers(2)).map(({ status }) => status)).to.deep.equal([413, 200]);
      connection.close();
    }
  });

  it("are nothing when the caller hangs up in the middle", async () => {
    const payments = Array.from({ length: 40 }, () => newPayment());
    for (const { target } of ways()) {
      for (const payment of payments) {
        const connection = new RawConnection(target);
        const bytes = postOf(bodyOf(payment));
        await connection.send(bytes.slice(0, bytes.length - 1 - (payment.cents % 60)));
        connection.close();
      }
    }
    await expectAlive();
    for (const payment of payments) {
      expect((await service.front.get(`/payments/${payment.correlationId}`)).status).to.equal(404);
    }
  });

  it("are accepted or not, but never half, when the caller hangs up before the answer", async () => {
    const payments = Array.from({ length: 60 }, () => newPayment());
    for (const [i, payment] of payments.entries()) {
      const { target } = ways()[i % 3]!;
      const connection = new RawConnection(target);
      await connection.send(postOf(bodyOf(payment)) + head("GET", "/payments-summary"));
      connection.close();
    }
    await expectAlive();
    for (const payment of payments) {
      const again = await pay(service.front, payment);
      expect(again.status).to.be.oneOf([200, 202]);
      expect((await viewOf(service.front, payment)).amount).to.equal(payment.cents / 100);
    }
    accepted.push(...payments);
  });

  it("that are no HTTP end the connection and nothing else", async () => {
    const garbage = [
      "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
      "GET\r\n\r\n",
      "POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
      "POST /payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\n${"x: y\r\n".repeat(5000)}\r\n`,
      `GET / HTTP/0.9\r\nHost: x\r\n\r\n`,
      "\u0000".repeat(1000),
    ];
    for (const { way, target } of ways()) {
      for (const bytes of garbage) {
        const connection = new RawConnection(target);
        await connection.send(Buffer.from(bytes, "latin1"));
        await until(`${way} answers or hangs up on ${JSON.stringify(bytes.slice(0, 40))}`, () => {
          return connection.isClosed || connection.headCount > 0;
        });
        connection.close();
      }
    }
    await expectAlive();
  });

  it("leave no connection and no memory behind", async () => {
    const pids = [1, 2].map((number) => service.pidOf(`instance-${number}`)!);
    const before = pids.map(openFileCount);
    const connections = Array.from({ length: 600 }, (_, i) => new RawConnection(ways()[i % 3]!.target));
    await Promise.all(
      connections.map((connection, i) => connection.send(postOf(bodyOf(newPayment())).slice(0, 40 + (i % 80)))),
    );
    for (const connection of connections) connection.close();
    for (let round = 0; round < 10; round++) {
      const payments = Array.from({ length: 300 }, (_, i) => newPaymentOf(1 + (i % 2)));
      await Promise.all(payments.map((payment) => pay(service.instances[instanceOf(payment) % 2]!, payment)));
      accepted.push(...payments);
    }
    // The balancer and the instances keep connections to each other for a while.
    await until("connections are closed", () => {
      return pids.every((pid, i) => openFileCount(pid) <= before[i]! + 70);
    });
    for (const pid of pids) expect(residentMb(pid)).to.be.below(RESIDENT_MB_MAX);
  });

  it("leave every accepted payment processed, and no other", async () => {
    await untilProcessed(service, accepted.length);
    const { charges } = service.processors.default;
    expect(charges.count + service.processors.fallback.charges.count).to.equal(accepted.length);
    accepted = [];
  });
});
