import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";

const REQUESTED_AT = "2025-07-15T12:34:56.000Z";

/** A caller's connection that keeps all it gets, and how it ended. */
class Caller {
  received = "";
  /** How many pieces came. */
  pieceCount = 0;
  end: "open" | "closed" | "reset" = "open";
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => {
      this.received += bytes.toString("latin1");
      this.pieceCount++;
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") this.end = "reset";
    });
    this.#socket.on("close", () => {
      if (this.end === "open") this.end = "closed";
    });
  }

  pay(correlationId: string = randomUUID()): void {
    const body = JSON.stringify({ correlationId, amount: 19.9, requestedAt: REQUESTED_AT });
    const head = ["POST /payments HTTP/1.1", "Host: x", "Content-Type: application/json"].join("\r\n");
    this.received = "";
    this.pieceCount = 0;
    this.#socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  get(path: string): void {
    this.received = "";
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  }

  async until(isSo: (caller: Caller) => boolean): Promise<void> {
    for (let i = 0; i < 600 && !isSo(this); i++) await sleep(5);
    expect(isSo(this), `end=${this.end} received=${JSON.stringify(this.received)}`).to.equal(true);
  }

  close(): void {
    this.#socket.destroy();
  }
}

const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64");
const isAnswered = ({ received }: Caller): boolean => received.endsWith("\r\n0\r\n\r\n");

describe("processor misbehaviour that needs the bare connection", () => {
  let processor: RunningProcessor;
  let caller: Caller;

  beforeEach(async () => {
    processor = await startProcessor({ front: true });
    caller = new Caller(processor.port);
  });

  afterEach(() => {
    caller.close();
    processor.close();
  });

  it("sends any bytes in place of an answer, legal or not, and takes the next request on that connection", async () => {
    const forms = [
      "HTTP/1.1 200 OK\r\nContent-Length: 44, 44\r\n\r\n" + '{"message":"payment processed successfully"}',
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nTransfer-Encoding: chunked\r\n\r\n" +
        '002 ; a="b"\r\n{}\r\n0\r\nX: y\r\n\r\n',
      "\0\xff not HTTP at all",
    ];
    for (const [i, form] of forms.entries()) {
      processor.misbehave({ charge: i % 2 === 0 ? "yes" : "no", answer: { raw: base64(form) } });
      caller.pay();
      await caller.until(({ received }) => received === form);
    }
    expect(processor.charges.count).to.equal(2);
    processor.misbehave();
    caller.pay();
    await caller.until(isAnswered);
    expect(caller.received).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(caller.end).to.equal("open");
    expect(processor.limiter.inFlightCount).to.equal(0);
  });

  it("closes or breaks off the connection, after some bytes or none, charging or not", async () => {
    let chargedCount = 0;
    for (const end of ["close", "reset"] as const) {
      for (const charge of ["yes", "no"] as const) {
        for (const raw of ["", "HTTP/1.1 200 OK\r\nContent-Le"]) {
          processor.misbehave({ charge, answer: { raw: base64(raw), end } });
          const other = new Caller(processor.port);
          other.pay();
          await other.until(({ end: ended }) => ended !== "open");
          chargedCount += charge === "yes" ? 1 : 0;
          expect(other.end, `${charge} ${end}`).to.equal(end === "close" ? "closed" : "reset");
          expect(other.received).to.equal(raw);
          expect(processor.charges.count).to.equal(chargedCount);
        }
      }
    }
  });

  it("lets an answer trickle, byte by byte", async () => {
    const raw = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    processor.misbehave({ charge: "yes", answer: { raw: base64(raw), byteMs: 5 } });
    const startedMs = performance.now();
    caller.pay();
    await caller.until(({ received }) => received === raw);
    expect(performance.now() - startedMs).to.be.greaterThan(raw.length * 5 - 10);
    expect(caller.pieceCount).to.be.greaterThan(raw.length / 2);
    processor.misbehave({ charge: "no", answer: { status: 409, body: "é!", byteMs: 1, end: "close" } });
    caller.pay();
    await caller.until(({ end }) => end === "closed");
    const bytes = Buffer.from("é!").toString("latin1");
    const head = ["HTTP/1.1 409 Conflict", "Connection: close", "Server: Kestrel", "Content-Length: 3"].join("\r\n");
    expect(caller.received).to.equal(`${head}\r\n\r\n${bytes}`);
  });

  it("stops trickling to a caller who has gone", async () => {
    processor.misbehave({ charge: "yes", answer: { raw: base64("x".repeat(1000)), byteMs: 2 } });
    caller.pay();
    await caller.until(({ received }) => received.length > 3);
    caller.close();
    await sleep(50);
    const other = new Caller(processor.port);
    processor.misbehave();
    other.pay();
    await other.until(isAnswered);
    other.close();
  });

  it("tells the requests of a connection apart", async () => {
    const answer = { status: 408, end: "close" } as const;
    processor.misbehave({ charge: "no", when: { requestOfConnection: 2 }, answer });
    for (const connection of [caller, new Caller(processor.port)]) {
      connection.pay();
      await connection.until(isAnswered);
      expect(connection.received).to.match(/^HTTP\/1\.1 200 /);
      connection.pay();
      await connection.until(({ end }) => end === "closed");
      expect(connection.received).to.match(/^HTTP\/1\.1 408 Request Timeout\r\n(.*\r\n)*Connection: close\r\n/);
    }
    expect(processor.charges.count).to.equal(2);
  });

  it("goes on counting the requests of a connection after an answer in bytes", async () => {
    processor.misbehave(
      { charge: "no", when: { requestOfConnection: 1 }, answer: { raw: base64("one") } },
      { charge: "no", when: { requestOfConnection: 2 }, answer: { raw: base64("two") } },
      { charge: "no", when: { requestOfConnection: 3 }, answer: { status: 409, body: "three" } },
    );
    for (const text of ["one", "two"]) {
      caller.pay();
      await caller.until(({ received }) => received === text);
    }
    caller.pay();
    await caller.until(isAnswered);
    expect(caller.received).to.match(/three\r\n0\r\n\r\n$/);
  });

  it("answers look-ups and health calls in bytes too", async () => {
    processor.misbehave(
      { call: "lookup", answer: { raw: base64("lookup") } },
      { call: "health", answer: { raw: base64("health"), end: "close" } },
    );
    caller.get(`/payments/${randomUUID()}`);
    await caller.until(({ received }) => received === "lookup");
    caller.get("/payments/service-health");
    await caller.until(({ received, end }) => received === "health" && end === "closed");
  });

  it("charges late after bytes, although its caller has gone", async () => {
    processor.misbehave({ charge: "late", insertMs: 100, answer: { end: "reset" } });
    caller.pay();
    await caller.until(({ end }) => end === "reset");
    expect(processor.charges.count).to.equal(0);
    for (let i = 0; i < 400 && processor.charges.count === 0; i++) await sleep(5);
    expect([processor.charges.count, processor.limiter.inFlightCount]).to.deep.equal([1, 0]);
  });

  it("says that its port is taken, as without a front", async () => {
    const taken = await startProcessor({ front: true, port: processor.port }).catch((error: Error) => error.message);
    expect(taken).to.equal(`port already in use: port=${processor.port}`);
  });

  it("frees its port when it is closed", async () => {
    caller.pay();
    await caller.until(isAnswered);
    processor.close();
    await caller.until(({ end }) => end !== "open");
    const { port } = processor;
    const next = createServer().listen(port, "127.0.0.1");
    await once(next, "listening");
    next.close();
    await once(next, "close");
    processor = await startProcessor({ front: true });
  });
});
