import { expect } from "chai";
import {
  type Answer,
  ask,
  askRaw,
  type Backend,
  type BalancedBackends,
  type Balancer,
  startBalancedBackends,
} from "./nginx-harness.ts";

const BODY_BYTES_MAX = 8_192;

describe("nginx: what passes and what does not", function () {
  this.timeout(15_000);
  let service: BalancedBackends;
  let balancer: Balancer;
  let backends: readonly Backend[] = [];

  before(async () => {
    service = await startBalancedBackends();
    ({ balancer, backends } = service);
  });

  beforeEach(() => {
    for (const backend of backends) backend.received.length = 0;
  });

  after(async () => {
    await service?.stop();
  });

  const received = (): Backend["received"] => backends.flatMap((backend) => backend.received);

  const NAMES: Readonly<Record<number, string>> = {
    400: "malformed-http",
    404: "no-such-resource",
    405: "method-not-allowed",
    413: "body-too-large",
    414: "target-too-long",
    431: "headers-too-large",
    501: "unknown-transfer-encoding",
    503: "no-instance-answers",
    505: "unknown-http-version",
  };

  function expectProblem(answer: Answer, status: number, title: string): void {
    expect(answer.status).to.equal(status);
    expect(answer.headers["content-type"]).to.equal("application/problem+json");
    const type = `urn:problem-type:rinha-backend:${NAMES[status]}`;
    expect(JSON.parse(answer.body)).to.include({ type, status, title }).and.have.property("detail");
  }

  /** The answer to a request that no HTTP client would send. */
  async function answerTo(bytes: string): Promise<Answer> {
    const text = await askRaw(balancer.port, bytes, (soFar) => soFar.endsWith("}"));
    const [head = "", body = ""] = text.split("\r\n\r\n");
    const [statusLine = "", ...lines] = head.split("\r\n");
    const headers = Object.fromEntries(lines.map((line) => [line.split(": ")[0]!.toLowerCase(), line.split(": ")[1]]));
    return { status: Number(statusLine.split(" ")[1]), headers, body };
  }

  it("hands every public path to an instance, as it was written", async () => {
    const id = "0b4eaf30-9e5e-4e0c-8b6a-3d1c5f7a90ff";
    const paths = [
      "/payments",
      `/payments/${id}`,
      "/payments-summary?from=2025-07-15T12:34:56.000Z&to=",
      "/openapi.json",
      "/health",
      "/ready",
      "/",
      "/assets/page/main.js",
      "/live",
      "/simulation/processors/default",
    ];
    for (const path of paths) expect((await ask(balancer.port, path)).status, path).to.equal(202);
    expect((await ask(balancer.port, "/purge-payments", { method: "POST" })).status).to.equal(202);
    expect(received().map(({ url }) => url)).to.have.members([...paths, "/purge-payments"]);
  });

  it("answers every other path itself", async () => {
    const paths = [
      "/index.html",
      "/assets",
      "/live/x",
      "/simulation/",
      "/simulation/processors/a/b",
      "/payment",
      "/payments/",
      "/payments/a/b",
      "/payments-summary/",
      "/link/summary",
      "/problem",
      "/health/x",
    ];
    for (const path of paths) {
      expectProblem(await ask(balancer.port, path), 404, "Not Found");
    }
    expect(received()).to.have.length(0);
  });

  it("answers a wrong path with a body, and goes on with the connection", async () => {
    const bytes =
      "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    const text = await askRaw(balancer.port, bytes, (soFar) => soFar.includes("instance-"));
    expect(text).to.match(/^HTTP\/1.1 404 [\s\S]*HTTP\/1.1 202 /);
  });

  it("passes HEAD and OPTIONS on", async () => {
    const head = await ask(balancer.port, "/payments-summary", { method: "HEAD" });
    expect([head.status, head.body]).to.deep.equal([202, ""]);
    const headers = { origin: "http://a.example", "access-control-request-method": "POST" };
    expect((await ask(balancer.port, "/payments", { method: "OPTIONS", headers })).status).to.equal(202);
    expect(received().map(({ method }) => method)).to.have.members(["HEAD", "OPTIONS"]);
    expect(received().find(({ method }) => method === "OPTIONS")?.headers).to.include(headers);
  });

  it("leaves the instances' own errors as they are", async () => {
    for (const status of [400, 404, 405, 409, 413, 429, 500, 503]) {
      const answer = await ask(balancer.port, `/payments/${status}`);
      expect(answer.status).to.equal(status);
      expect(answer.headers["content-type"]).to.equal("text/plain");
      expect(answer.body).to.match(/^instance-/);
    }
  });

  it("passes on the headers that instances read, and no others", async () => {
    const wanted = {
      "content-type": "application/json",
      "x-request-id": "r-1",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      tracestate: "a=b",
    };
    const headers = { ...wanted, cookie: "a=b", "user-agent": "test", "x-forwarded-for": "10.0.0.1" };
    await ask(balancer.port, "/payments", { method: "POST", headers, body: "{}" });
    expect(received()[0]?.headers).to.deep.equal({
      ...wanted,
      host: `127.0.0.1:${balancer.port}`,
      "content-length": "2",
      "x-forwarded-for": "10.0.0.1, 127.0.0.1",
    });
  });

  it("passes a WebSocket's headers on where there is one, and nowhere else", async () => {
    const handshake = {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
      "sec-websocket-protocol": "a",
      "sec-websocket-extensions": "b",
    };
    const headers = { ...handshake, host: "pay.example", origin: "http://pay.example", cookie: "a=b" };
    for (const path of ["/live", "/payments-summary"]) await ask(balancer.port, path, { headers });
    const live = received().find(({ url }) => url === "/live");
    const summary = received().find(({ url }) => url === "/payments-summary");
    expect(live?.headers).to.deep.equal({ ...handshake, host: "pay.example", origin: "http://pay.example" });
    for (const name of Object.keys(handshake)) expect(summary?.headers, name).to.not.have.property(name);
  });

  it("tells the instances which host and origin the page is of", async () => {
    const headers = { host: "pay.example", origin: "http://pay.example", "content-type": "application/json" };
    await ask(balancer.port, "/simulation/processors/default", { method: "PUT", headers, body: "{}" });
    expect(received()[0]).to.include({ method: "PUT", body: "{}" });
    expect(received()[0]?.headers).to.deep.equal({ ...headers, "content-length": "2" });
    await ask(balancer.port, "/", { headers: { host: "pay.example", "if-none-match": '"a"', cookie: "a=b" } });
    const page = received().find(({ url }) => url === "/");
    expect(page?.headers).to.deep.equal({ host: "pay.example", "if-none-match": '"a"' });
  });

  it("names a host that no page has, where a request of HTTP/1.0 names none", async () => {
    expect(await askRaw(balancer.port, "GET /payments-summary HTTP/1.0\r\n\r\n")).to.match(/^HTTP\/1.1 202 /);
    expect(received()[0]?.headers.host).to.equal("none.invalid");
  });

  it("answers requests with more headers than uWebSockets takes", async () => {
    const headers = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, "1"]));
    expect((await ask(balancer.port, "/health", { headers })).status).to.equal(202);
  });

  it("takes chunked bodies", async () => {
    const body = ['{"correlationId":', '"x",', " ".repeat(4_000), '"amount":1}'];
    expect((await ask(balancer.port, "/payments", { method: "POST", body })).status).to.equal(202);
    expect(received()[0]?.body).to.equal(body.join(""));
  });

  it("answers pipelined requests in their order", async () => {
    const count = 50;
    const bytes = Array.from({ length: count }, (_, i) => {
      const body = "x".repeat(i);
      const post = `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: ${i}\r\n\r\n${body}`;
      return `${post}GET /health HTTP/1.1\r\nHost: x\r\n\r\n`;
    });
    const lengths = (text: string): number[] =>
      [...text.matchAll(/instance-\d (\d+)/g)].map((match) => Number(match[1]));
    const text = await askRaw(balancer.port, bytes.join(""), (soFar) => lengths(soFar).length === 2 * count);
    expect(lengths(text)).to.deep.equal(Array.from({ length: count }, (_, i) => [i, 0]).flat());
  });

  it("takes bodies up to the limit and refuses larger ones", async () => {
    const largest = "x".repeat(BODY_BYTES_MAX);
    for (const body of [largest, [largest.slice(1), "x"]]) {
      expect((await ask(balancer.port, "/payments", { method: "POST", body })).body).to.match(/ 8192$/);
    }
    const length = `Content-Length: ${BODY_BYTES_MAX + 1}`;
    expectProblem(await answerTo(`POST /payments HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n`), 413, "Content Too Large");
    const size = (BODY_BYTES_MAX + 1).toString(16);
    const chunked = `Transfer-Encoding: chunked\r\n\r\n${size}\r\n${largest}x\r\n0\r\n\r\n`;
    expectProblem(await answerTo(`POST /payments HTTP/1.1\r\nHost: x\r\n${chunked}`), 413, "Content Too Large");
  });

  it("refuses targets and headers that are too long", async () => {
    expectProblem(await ask(balancer.port, `/payments/${"a".repeat(5_000)}`), 414, "URI Too Long");
    const headers = { "x-long": "a".repeat(5_000) };
    expectProblem(await ask(balancer.port, "/health", { headers }), 431, "Request Header Fields Too Large");
  });

  it("refuses TRACE, naming the methods there are", async () => {
    const answer = await ask(balancer.port, "/health", { method: "TRACE" });
    expectProblem(answer, 405, "Method Not Allowed");
    expect(answer.headers.allow).to.equal("GET, HEAD, POST, OPTIONS");
  });

  const malformed: Record<string, string> = {
    "no HTTP at all": "\u0016\u0003\u0001\r\n\r\n",
    "no Host": "GET /health HTTP/1.1\r\n\r\n",
    "a broken length": "POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
    "a broken chunk": "POST /payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "both a length and chunks":
      "POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a path above the root": "GET /.. HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    it(`refuses ${what}`, async () => {
      expectProblem(await answerTo(bytes), 400, "Bad Request");
      expect(received()).to.have.length(0);
    });
  }

  it("refuses other transfer encodings and versions", async () => {
    const gzip = "POST /payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n";
    expectProblem(await answerTo(gzip), 501, "Not Implemented");
    expectProblem(await answerTo("GET /health HTTP/3.1\r\nHost: x\r\n\r\n"), 505, "HTTP Version Not Supported");
  });
});
