import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type ProcessorOptions, type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";

const REQUESTED_AT = "2025-07-15T12:34:56.120Z";
const JSON_HEADERS = { "content-type": "application/json" };
const ADMIN_HEADERS = { ...JSON_HEADERS, "x-rinha-token": "123" };
const DATE = /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;

type Request = { method?: string; path?: string; headers?: Record<string, string>; body?: string };

describe("processor answers to a reader in another process", () => {
  it("come in two pieces, the end of the chunks after the rest", async () => {
    const main = fileURLToPath(new URL("../../perf/processor/main.js", import.meta.url));
    const child = spawn(process.execPath, [main, "--port", "0"]);
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const port = Number(/url=http:\/\/127\.0\.0\.1:(\d+)/.exec(line.toString())![1]);
      const answers = await answersInPieces(port, 100);
      // A reader that is slow to wake finds both pieces at once, so not each answer has to show them.
      const split = answers.filter((pieces) => pieces.length > 1);
      expect(split).to.not.deep.equal([]);
      for (const pieces of split) expect(pieces.slice(1)).to.deep.equal(["\r\n0\r\n\r\n"]);
    } finally {
      child.kill();
      await once(child, "close");
    }
  });
});

/** Both ways of running it must look the same from outside. */
for (const front of [false, true]) {
  describe(`processor answers byte by byte${front ? ", with a front" : ""}`, () => {
    let processor: RunningProcessor;
    let socket: Socket;
    let received: string;

    async function start(options: Partial<ProcessorOptions> = {}): Promise<void> {
      processor = await startProcessor({ front, ...options });
      received = "";
      socket = connect(processor.port, "127.0.0.1");
      socket.on("data", (bytes: Buffer) => {
        received += bytes.toString("latin1");
      });
      await once(socket, "connect");
    }

    afterEach(() => {
      socket.destroy();
      processor.close();
    });

    async function ask(request: Request, isWhole: (text: string) => boolean): Promise<string> {
      const { method = "GET", path = "/payments", headers = {}, body = "" } = request;
      received = "";
      const lines = [`${method} ${path} HTTP/1.1`, "Host: processor"];
      lines.push(...Object.entries(headers).map(([name, value]) => `${name}: ${value}`));
      socket.write(`${lines.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      for (let i = 0; i < 400 && !isWhole(received); i++) await sleep(5);
      return received;
    }

    const isChunkedWhole = (text: string): boolean => text.endsWith("\r\n0\r\n\r\n");
    const isHeadWhole = (text: string): boolean => text.endsWith("\r\n\r\n");

    function chunked(request: Request): Promise<string> {
      return ask(request, isChunkedWhole);
    }

    function payment(correlationId: string = randomUUID()): Request {
      const body = JSON.stringify({ correlationId, amount: 19.9, requestedAt: REQUESTED_AT });
      return { method: "POST", headers: JSON_HEADERS, body };
    }

    function expectHead(head: string, expected: readonly string[]): void {
      const lines = head.split("\r\n");
      const dates = lines.filter((line) => line.startsWith("Date"));
      expect(dates).to.have.length(1);
      expect(dates[0]).to.match(DATE);
      expect(lines.filter((line) => !dates.includes(line)).sort()).to.deep.equal([...expected].sort());
    }

    /** Returns the body, which came in one chunk. */
    function expectChunked(text: string, status: string, headers: readonly string[]): string {
      const [head, rest] = text.slice(0, -"0\r\n\r\n".length).split("\r\n\r\n") as [string, string];
      expectHead(head, [`HTTP/1.1 ${status}`, "Server: Kestrel", "Transfer-Encoding: chunked", ...headers]);
      const [size, body] = [rest.slice(0, rest.indexOf("\r\n")), rest.slice(rest.indexOf("\r\n") + 2, -2)];
      expect(rest.slice(-2)).to.equal("\r\n");
      expect(Number.parseInt(size, 16)).to.equal(body.length);
      return body;
    }

    const JSON_TYPE = "Content-Type: application/json; charset=utf-8";

    it("sends JSON in one chunk, and the end of the chunks after it", async () => {
      await start();
      const id = randomUUID();
      const processed = expectChunked(await chunked(payment(id)), "200 OK", [JSON_TYPE]);
      expect(processed).to.equal('{"message":"payment processed successfully"}');
      const found = expectChunked(await chunked({ path: `/payments/${id}` }), "200 OK", [JSON_TYPE]);
      expect(found).to.equal(`{"correlationId":"${id}","amount":19.9,"requestedAt":"2025-07-15T12:34:56.12"}`);
      const health = expectChunked(await chunked({ path: "/payments/service-health" }), "200 OK", [JSON_TYPE]);
      expect(health).to.equal('{"failing":false,"minResponseTime":0}');
      const path = "/admin/payments-summary?from=&to=";
      const summary = expectChunked(await chunked({ path, headers: ADMIN_HEADERS }), "200 OK", [JSON_TYPE]);
      expect(summary).to.equal('{"totalAmount":19.9,"totalRequests":1,"totalFee":0.995,"feePerTransaction":0.05}');
    });

    it("puts the text of an exception, escaped as .NET does, into a 422", async () => {
      await start();
      const id = randomUUID();
      await chunked(payment(id));
      const body = expectChunked(await chunked(payment(id)), "422 Unprocessable Entity", [JSON_TYPE]);
      expect(body).to.include(`{"message":"Payment could not be processed. CorrelationId already exists: ${id}.`);
      expect(body).to.include("unique constraint \\u0022payments_pkey\\u0022\\n\\nDETAIL: Detail redacted");
      expect(body).to.include("\\u0027Include Error Detail\\u0027");
      expect(body).to.include("Program.\\u003C\\u003Ec.");
      expect(body).to.not.match(/[<>']/);
      expect(JSON.parse(body).message).to.match(/\n {4}Routine: _bt_check_unique$/);
    });

    it("sends a text with a 429, and when to come again", async () => {
      await start({ inFlightCountMax: 1, queuedCountMax: 0 });
      processor.settings.delayMs = 200;
      const other = connect(processor.port, "127.0.0.1");
      const { body = "" } = payment();
      other.write(
        `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${body.length}\r\n\r\n${body}`,
      );
      for (let i = 0; i < 400 && processor.limiter.inFlightCount === 0; i++) await sleep(5);
      const text = expectChunked(await chunked(payment()), "429 Too Many Requests", ["Retry-After: 5"]);
      expect(text).to.match(/^Calm down/);
      other.destroy();
    });

    it("sends no body where there is nothing to say", async () => {
      await start();
      const whole = async (request: Request): Promise<string> => (await ask(request, isHeadWhole)).slice(0, -4);
      const empty = ["Server: Kestrel", "Content-Length: 0"];
      expectHead(await whole({ path: `/payments/${randomUUID()}` }), ["HTTP/1.1 404 Not Found", ...empty]);
      expectHead(await whole({ path: "/admin/payments-summary" }), ["HTTP/1.1 401 Unauthorized", ...empty]);
      const setting = { method: "PUT", path: "/admin/configurations/delay", body: '{"delay":1}' };
      expectHead(await whole(setting), ["HTTP/1.1 415 Unsupported Media Type", ...empty]);
      const token = { method: "PUT", path: "/admin/configurations/token", body: '{"token":"123"}' };
      const changed = await whole({ ...token, headers: ADMIN_HEADERS });
      expectHead(changed, ["HTTP/1.1 204 No Content", "Server: Kestrel"]);
      processor.settings.failing = true;
      expectHead(await whole(payment()), ["HTTP/1.1 500 Internal Server Error", ...empty]);
    });

    it("shows people a page", async () => {
      await start();
      const page = expectChunked(await chunked({ path: "/" }), "200 OK", ["Content-Type: text/html"]);
      expect(page).to.match(/^<!DOCTYPE html>/);
    });

    it("goes on answering when a caller hangs up between the two pieces", async () => {
      await start();
      for (let i = 0; i < 20; i++) {
        const other = connect(processor.port, "127.0.0.1");
        other.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        other.once("data", () => other.resetAndDestroy());
        await once(other, "close");
      }
      expect(await chunked(payment())).to.match(/^HTTP\/1.1 200 OK/);
    });

    it("answers each of many that come together with a whole answer", async () => {
      await start();
      const callers = Array.from({ length: 40 }, () => connect(processor.port, "127.0.0.1"));
      const answers = await Promise.all(callers.map((caller) => oneAnswer(caller, payment().body!)));
      expect(new Set(answers.map((text) => text.slice(0, 15)))).to.deep.equal(new Set(["HTTP/1.1 200 OK"]));
      expect(processor.charges.count).to.equal(40);
    });
  });
}

async function oneAnswer(caller: Socket, body: string): Promise<string> {
  let text = "";
  caller.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  caller.write(
    `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  for (let i = 0; i < 400 && !text.endsWith("0\r\n\r\n"); i++) await sleep(5);
  caller.destroy();
  return text;
}

async function answersInPieces(port: number, count: number): Promise<string[][]> {
  const socket = connect(port, "127.0.0.1");
  const answers: string[][] = [];
  for (let i = 0; i < count; i++) {
    const pieces: string[] = [];
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!pieces.join("").endsWith("\r\n0\r\n\r\n")) {
      const [bytes] = (await once(socket, "data")) as [Buffer];
      pieces.push(bytes.toString("latin1"));
    }
    answers.push(pieces);
  }
  socket.destroy();
  return answers;
}
