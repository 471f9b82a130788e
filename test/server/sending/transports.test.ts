import { once } from "node:events";
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { expect } from "chai";
import { CONTEST } from "../../../core/answers/dialect.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { AttemptMeters } from "../../../server/meters/meters.ts";
import type { Connection, Failure, WireRequest } from "../../../server/sending/connection.ts";
import { Connections } from "../../../server/sending/connections.ts";
import { type ClientTarget, ProcessorClient } from "../../../server/sending/processor-client.ts";
import type { TlsConfig } from "../../../server/settings/tls.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealNetwork } from "../../../server/system/real-network.ts";
import { RealTime } from "../../../server/system/time.ts";
import { Authority, type Certificate } from "../../support/certificates.ts";
import { EngineLife } from "../../support/engine-life.ts";
import { processorAt } from "../../support/targets.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const GET: WireRequest = { method: "GET", path: "/payments/x", headers: [], body: "" };
const POST: WireRequest = { method: "POST", path: "/payments", headers: ["traceparent", "t"], body: '{"a":1}' };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const EMPTY_500 = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n";
const PROCESSED = '{"message":"payment processed successfully"}';

type End =
  | { status: number; body: string; isProvenEmpty: boolean; wasKept: boolean }
  | { failure: Failure; message: string; wasKept: boolean };

function send(connection: Connection, request: WireRequest = GET): Promise<End> {
  return new Promise((resolve) => {
    connection.send(request, {
      answered: (status, body, isProvenEmpty, wasKept) => resolve({ status, body, isProvenEmpty, wasKept }),
      failed: (failure, { message }, wasKept) => resolve({ failure, message, wasKept }),
    });
  });
}

/** A client whose flights are settled `settledAtMs` after noon, and the names of their outcomes. */
function clientOf(target: ClientTarget, settledAtMs: number) {
  const life = new EngineLife();
  const outcomes: string[] = [];
  const settle = (flight: number, outcome: number): void => {
    outcomes.push(Outcome.NAMES[outcome]!);
    life.settle(settledAtMs, flight, outcome);
  };
  return {
    life,
    outcomes,
    client: new ProcessorClient(target, life.engine, new AttemptMeters(), settle, surroundings),
  };
}

/** A server that answers as it is told, by http or https. */
class Endpoint {
  readonly sockets: Socket[] = [];
  readonly texts: string[] = [];
  readonly areResumed: boolean[] = [];
  /** Below TLS, if there is any. */
  readonly rawSockets: Socket[] = [];
  onRequest: (socket: Socket) => void = (socket) => socket.write(OK);
  server!: Server;
  port = 0;

  async listen(certificate?: Certificate, options: object = {}): Promise<this> {
    const take = (socket: Socket): void => {
      this.sockets.push(socket);
      if (certificate) this.areResumed.push((socket as TLSSocket).isSessionReused());
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        this.texts.push(bytes.toString());
        this.onRequest(socket);
      });
    };
    this.server = certificate
      ? createTlsServer({ ...certificate, ca: [certificate.ca], ...options }, take)
      : createPlainServer(take);
    this.server.on("tlsClientError", () => {});
    this.server.on("connection", (socket: Socket) => this.rawSockets.push(socket));
    this.server.listen(this.port, "127.0.0.1");
    await once(this.server, "listening");
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const surroundings = { network: new RealNetwork(new NameLookup()), time: new RealTime() };
let authority: Authority;
let own: Certificate;

before(function () {
  this.timeout(20_000);
  authority = new Authority();
  own = authority.issue("127.0.0.1");
});

after(() => authority.remove());

for (const scheme of ["http", "https"] as const) {
  describe(`a processor by ${scheme}`, () => {
    let endpoint: Endpoint;
    const opened: Connections[] = [];

    beforeEach(async () => {
      endpoint = await new Endpoint().listen(scheme === "https" ? own : undefined);
    });

    afterEach(() => {
      for (const connections of opened.splice(0)) connections.close();
      endpoint.close();
    });

    function target(headers: [string, string][] = []) {
      const tls = scheme === "https" ? { ca: authority.cert } : undefined;
      return processorAt(`${scheme}://127.0.0.1:${endpoint.port}/a/`, { tls, headers });
    }

    function connections(headers: [string, string][] = []): Connections {
      const made = new Connections(target(headers), surroundings);
      opened.push(made);
      return made;
    }

    it("is sent what was asked for, with its own headers, and its answer is read", async () => {
      const from = connections([["X-Api-Key", "secret"]]);
      const end = await send(from.take(), POST);
      expect(end).to.deep.equal({ status: 200, body: "ok", isProvenEmpty: false, wasKept: false });
      const [head, body] = endpoint.texts.join("").split("\r\n\r\n");
      expect(head!.split("\r\n")[0]).to.equal("POST /payments HTTP/1.1");
      const lines = head!.toLowerCase().split("\r\n").slice(1);
      expect(lines).to.include.members([
        ...[`host: 127.0.0.1:${endpoint.port}`, "x-api-key: secret", "traceparent: t"],
        ...["content-type: application/json", "content-length: 7"],
      ]);
      expect(body).to.equal('{"a":1}');
    });

    it("is asked again on the connection that was kept", async () => {
      const from = connections();
      await send(from.take());
      await new Promise((resolve) => setTimeout(resolve, 20));
      endpoint.onRequest = (socket) => socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
      const kept = from.takeKept()!;
      expect(await send(kept)).to.deep.equal({ status: 500, body: "", isProvenEmpty: true, wasKept: true });
      await new Promise((resolve) => setTimeout(resolve, 20));
      endpoint.onRequest = (socket) => socket.destroy();
      expect(await send(from.takeKept()!)).to.include({ failure: "reset", wasKept: true });
      expect(endpoint.sockets).to.have.length(1);
      expect(await send(from.take())).to.include({ failure: "reset", wasKept: false });
    });

    it("has a chunked answer in two pieces read, and a body proven to be empty only if it says so", async () => {
      endpoint.onRequest = (socket) => {
        socket.write("HTTP/1.1 422 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nalrea\r\n");
        setTimeout(() => socket.write("2\r\ndy\r\n0\r\n\r\n"), 20);
      };
      const from = connections();
      expect(await send(from.takeNew())).to.deep.equal({
        status: 422,
        body: "already",
        isProvenEmpty: false,
        wasKept: false,
      });
      endpoint.onRequest = (socket) => socket.end("HTTP/1.1 500 No\r\nConnection: close\r\n\r\n");
      expect(await send(from.takeNew())).to.deep.equal({ status: 500, body: "", isProvenEmpty: false, wasKept: false });
    });

    it("is waited for no longer than it is told to: nothing left, or nobody knows", async () => {
      endpoint.onRequest = () => {};
      const connection = connections().takeNew();
      const end = send(connection);
      setTimeout(() => connection.timeOut(), 200);
      expect(await end).to.include({ failure: "timed out", wasKept: false });
      endpoint.close();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await send(connections().takeNew())).to.include({ failure: "unreachable" });
    });

    it("is not used again on a connection that it closed while that was idle", async () => {
      const from = connections();
      await send(from.take());
      await new Promise((resolve) => setTimeout(resolve, 20));
      endpoint.sockets[0]!.end();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(from.takeKept()).to.equal(undefined);
      expect(await send(from.take())).to.include({ status: 200, wasKept: false });
    });

    it("has not answered where a body is cut that the end of the connection should end", async () => {
      endpoint.onRequest = (socket) => {
        socket.write("HTTP/1.1 404 No\r\n\r\n<html>");
        setTimeout(() => endpoint.rawSockets[0]!.resetAndDestroy(), 30);
      };
      expect(await send(connections().takeNew())).to.include({ failure: "reset", wasKept: false });
    });

    it("is not taken for out of reach, nor paid twice, where a kept connection ends as it is used", async () => {
      const { life, outcomes, client } = clientOf(target(), 20);
      endpoint.onRequest = (socket) =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${PROCESSED.length}\r\n\r\n${PROCESSED}`);
      for (let i = 0; i < 2; i++) {
        life.accept(5 + i, `4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b${i}`, 1990);
        client.post(life.send(7 + i));
        // The end is on its way when the second one is sent.
        if (i === 0) await until(() => outcomes.length === 1);
        if (i === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        if (i === 0) endpoint.rawSockets[0]!.resetAndDestroy();
      }
      await until(() => outcomes.length === 2);
      client.close();
      const posts = endpoint.texts.join("").match(/4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b1/g) ?? [];
      // The plain way may have written already, and knows nothing; undici looks first.
      if (outcomes[1] === "charged") expect(posts).to.have.length(1);
      else expect([outcomes[1], posts.length]).to.deep.equal(["kept connection dropped", 0]);
      if (scheme === "https") expect(outcomes).to.deep.equal(["charged", "charged"]);
    });

    it("is asked what became of a payment whose answer was too late", async () => {
      const { life, outcomes, client } = clientOf(target(), 3000);
      life.accept(5, ID, 1990);
      endpoint.onRequest = () => {};
      client.post(life.send(7));
      await until(() => endpoint.texts.length > 0);
      client.expire(performance.now());
      await until(() => outcomes.length === 1);
      const told = JSON.stringify({ correlationId: ID, amount: 19.9, requestedAt: "2025-07-15T12:00:00.007Z" });
      endpoint.onRequest = (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${told.length}\r\n\r\n${told}`);
      client.lookup(life.send(10_000));
      await until(() => outcomes.length === 2);
      client.close();
      expect(outcomes).to.deep.equal(["timed out", "found charged"]);
      expect(endpoint.texts.join("").match(/^POST/gm)).to.have.length(1);
    });

    const table: readonly [string, string, string][] = [
      ["a success", `HTTP/1.1 200 OK\r\nContent-Length: ${PROCESSED.length}\r\n\r\n${PROCESSED}`, "charged"],
      ["a success in other words", OK, "garbled success"],
      ["an empty 500", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "failing"],
      ["a 500 with a body", "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", "server error"],
      ["a 422", "HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno", "already charged"],
      ["a 429", "HTTP/1.1 429 No\r\nContent-Length: 2\r\n\r\nno", "overloaded"],
      ["a 401", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "misconfigured"],
      ["a 503", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "gateway failed"],
      [
        "a 103 before the success",
        `HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${PROCESSED.length}\r\n\r\n${PROCESSED}`,
        "charged",
      ],
      ["an empty 500 in chunks", "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "failing"],
      ["an empty 500 that ends the connection", `${EMPTY_500}Connection: close\r\n\r\n`, "failing"],
      ["a 500 empty by the end of the connection only", "HTTP/1.1 500 No\r\n\r\n", "server error"],
      ["an empty 500 with bytes behind it", `${EMPTY_500}\r\n{}`, "server error"],
      [
        "an empty 500 that ends the connection, with bytes behind it",
        `${EMPTY_500}Connection: close\r\n\r\n{}`,
        "server error",
      ],
      ["half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "connection reset"],
      ["no HTTP", "nonsense\r\n\r\n", "connection reset"],
    ];
    for (const [what, answer, outcome] of table) {
      it(`answers a payment with ${what}: ${outcome}`, async () => {
        endpoint.onRequest = (socket) => {
          if (outcome === "connection reset" || what.includes("by the end")) socket.end(answer);
          else socket.write(answer);
        };
        expect(await outcomeOf(target())).to.equal(outcome);
      });
    }

    it("has taken no payment for certain where nobody listens", async () => {
      const gone = target();
      endpoint.close();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await outcomeOf(gone)).to.equal("unreachable");
    });
  });
}

/** What becomes of a payment that is sent there. */
function outcomeOf(to: ReturnType<typeof processorAt>): Promise<string> {
  const life = new EngineLife();
  life.accept(5, ID, 1990);
  const flight = life.send(7);
  return new Promise((resolve) => {
    const client = new ProcessorClient(
      { ...to, dialect: CONTEST },
      life.engine,
      new AttemptMeters(),
      (_flight, outcome) => {
        client.close();
        resolve(Outcome.NAMES[outcome]!);
      },
      surroundings,
    );
    client.post(flight);
  });
}

describe("a processor behind TLS", () => {
  let endpoint: Endpoint | undefined;
  const ends: (() => void)[] = [];

  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  async function listen(certificate: Certificate, options: object = {}): Promise<Endpoint> {
    const listening = await new Endpoint().listen(certificate, options);
    ends.push(() => listening.close());
    endpoint = listening;
    return listening;
  }

  async function endOf(certificate: Certificate, tls: TlsConfig | undefined, options: object = {}): Promise<End> {
    const { port } = await listen(certificate, options);
    const at = processorAt(`https://127.0.0.1:${port}`, { tls });
    return send(new Connections(at, surroundings).take());
  }

  it("is trusted only by an authority that is configured", async () => {
    expect(await endOf(own, { ca: authority.cert })).to.include({ status: 200 });
    expect(await endOf(own, undefined)).to.include({ failure: "unreachable" });
    expect(endpoint!.texts).to.deep.equal([]);
  });

  it("is refused with another's certificate, or one that has expired, before a byte has left", async () => {
    expect(await endOf(authority.issue("other.test"), { ca: authority.cert })).to.include({ failure: "unreachable" });
    expect(endpoint!.texts).to.deep.equal([]);
    const expired = await endOf(authority.issue("127.0.0.1", { isExpired: true }), { ca: authority.cert });
    expect(expired).to.deep.include({ failure: "unreachable", message: "certificate has expired" });
    expect(endpoint!.texts).to.deep.equal([]);
  });

  it("is shown the client certificate that it asks for, and refuses whoever has none", async () => {
    const client = authority.issue("client.test");
    const wants = { requestCert: true, rejectUnauthorized: true };
    expect(await endOf(own, client, wants)).to.include({ status: 200 });
    // By TLS 1.3 the handshake is over for us before the server refuses: nobody knows what it has read.
    expect(await endOf(own, { ca: authority.cert }, { ...wants, maxVersion: "TLSv1.2" })).to.include({
      failure: "unreachable",
    });
    expect(await endOf(own, { ca: authority.cert }, wants)).to.include({ failure: "reset" });
    expect(endpoint!.texts).to.deep.equal([]);
  });

  it("is not waited for in a handshake for longer than a request may take", async () => {
    const sockets: Socket[] = [];
    const server = createPlainServer((socket) => {
      sockets.push(socket.resume().on("error", () => {}));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const at = processorAt(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const connection = new Connections(at, surroundings).take();
    const end = send(connection);
    setTimeout(() => connection.timeOut(), 100);
    expect(await end).to.include({ failure: "unreachable", message: "no connection in time" });
    // undici would keep the socket for seconds.
    const beganAtMs = performance.now();
    await until(() => sockets[0]!.closed || performance.now() - beganAtMs > 1000);
    expect(sockets[0]!.closed).to.equal(true);
    server.close();
  });

  it("resumes the session when a connection is made anew", async () => {
    const endpoint = await listen(own);
    const at = processorAt(`https://127.0.0.1:${endpoint.port}`, { tls: { ca: authority.cert } });
    const connections = new Connections(at, surroundings);
    for (let i = 0; i < 3; i++) {
      endpoint.onRequest = (socket) => socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      expect(await send(connections.take())).to.include({ status: 200, wasKept: false });
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    expect(endpoint.areResumed).to.deep.equal([false, true, true]);
  });

  it("has its authorities read once, not for each connection", async () => {
    const { port } = await listen(own);
    const at = processorAt(`https://127.0.0.1:${port}`, { tls: { ca: authority.cert } });
    const connections = new Connections(at, surroundings);
    const beganAt = process.cpuUsage();
    for (let i = 0; i < 50; i++) {
      const connection = connections.takeNew();
      expect(await send(connection)).to.include({ status: 200 });
      connection.close();
    }
    const { user, system } = process.cpuUsage(beganAt);
    // Reading them takes 30 ms; a handshake with a session, both ends of it, one or two.
    expect((user + system) / 50_000).to.be.below(15);
  });

  it("is verified again in every handshake that resumes nothing: a session of ours is no pass for others", async () => {
    const good = await listen(own);
    const { port } = good;
    const at = processorAt(`https://127.0.0.1:${port}`, { tls: { ca: authority.cert } });
    const connections = new Connections(at, surroundings);
    expect(await send(connections.takeNew())).to.include({ status: 200 });
    good.server.close();
    for (const socket of good.sockets) socket.destroy();
    const stranger = new Endpoint();
    stranger.port = port;
    ends.push(() => stranger.close());
    await stranger.listen(authority.issue("other.test"));
    for (let i = 0; i < 2; i++) expect(await send(connections.takeNew())).to.include({ failure: "unreachable" });
    expect(stranger.texts).to.deep.equal([]);
  });

  it("has the body of its answer cut where it is longer than may be", async () => {
    const endpoint = await listen(own);
    endpoint.onRequest = (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n${"x".repeat(9000)}`);
    const at = processorAt(`https://127.0.0.1:${endpoint.port}`, { tls: { ca: authority.cert } });
    const bounded = new Connections(at, surroundings, { bodyBytesMax: 4096 });
    expect(await send(bounded.take())).to.include({ failure: "reset" });
  });
});
