import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import type { Failure, WireRequest } from "../../../server/sending/connection.ts";
import { endpointOf } from "../../../server/sending/endpoint.ts";
import { PlainConnection } from "../../../server/sending/plain-connection.ts";
import { NameLookup, type Resolve } from "../../../server/system/name-lookup.ts";
import type { Network, WireEvents } from "../../../server/system/network.ts";
import { RealNetwork } from "../../../server/system/real-network.ts";
import { processorAt } from "../../support/targets.ts";

const REQUEST: WireRequest = { method: "GET", path: "/", headers: [], body: "" };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

type End =
  | { status: number; body: string; isProvenEmpty: boolean; wasKept: boolean }
  | { failure: Failure; message: string; wasKept: boolean };

function send(connection: PlainConnection): Promise<End> {
  return new Promise((resolve) => {
    connection.send(REQUEST, {
      answered: (status, body, isProvenEmpty, wasKept) => resolve({ status, body, isProvenEmpty, wasKept }),
      failed: (failure, { message }, wasKept) => resolve({ failure, message, wasKept }),
    });
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
}

describe("plain connection to a processor", () => {
  let server: Server;
  let port: number;
  let sockets: Socket[];
  let onRequest: (socket: Socket) => void;
  let idleCount: number;
  let connections: PlainConnection[];

  beforeEach(async () => {
    sockets = [];
    connections = [];
    idleCount = 0;
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", () => onRequest(socket));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });

  afterEach(() => {
    for (const connection of connections) connection.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  function open(host = "127.0.0.1", names = new NameLookup()): PlainConnection {
    const connection = new PlainConnection(
      endpointOf(processorAt(`http://${host}:${port}`)),
      new RealNetwork(names),
      () => {
        idleCount++;
      },
    );
    connections.push(connection);
    return connection;
  }

  it("says whether it had served a request before", async () => {
    onRequest = (socket) => socket.write(OK);
    const connection = open();
    expect(await send(connection)).to.deep.equal({ status: 200, body: "ok", isProvenEmpty: false, wasKept: false });
    onRequest = (socket) => socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    expect(await send(connection)).to.deep.equal({ status: 500, body: "", isProvenEmpty: true, wasKept: true });
    onRequest = (socket) => socket.resetAndDestroy();
    expect(await send(connection)).to.include({ failure: "reset", wasKept: true });
    expect([sockets.length, idleCount, connection.isClosed]).to.deep.equal([1, 2, true]);
    expect(await send(open())).to.include({ failure: "reset", wasKept: false });
  });

  it("is not used again after an answer that is followed by more", async () => {
    onRequest = (socket) => socket.write(`${OK}HTTP/1.1 200 OK\r\n`);
    const connection = open();
    expect(await send(connection)).to.include({ status: 200, body: "ok" });
    expect([idleCount, connection.isClosed]).to.deep.equal([0, true]);
  });

  it("ends when something comes that nobody asked for", async () => {
    onRequest = (socket) => socket.write(OK);
    const connection = open();
    await send(connection);
    sockets[0]!.write("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
    await closed(sockets[0]!);
    expect(connection.isClosed).to.equal(true);
  });

  it("takes what is no legal answer for a broken connection, and says what is wrong", async () => {
    onRequest = (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n");
    const message = "Content-Length must be one number: lengths=1,2";
    expect(await send(open())).to.deep.equal({ failure: "reset", message, wasKept: false });
  });

  it("reads a body to the end of the connection, but not to its reset", async () => {
    onRequest = (socket) => socket.end("HTTP/1.1 500 No\r\n\r\n");
    expect(await send(open())).to.deep.equal({ status: 500, body: "", isProvenEmpty: false, wasKept: false });
    onRequest = (socket) =>
      socket.write("HTTP/1.1 500 No\r\n\r\nx", () => setTimeout(() => socket.resetAndDestroy(), 20));
    expect(await send(open())).to.include({ failure: "reset" });
  });

  it("does not take what its receiver throws for a fault of the answer", () => {
    let events!: WireEvents;
    const network: Network = {
      connect: (_host, _port, given) => {
        events = given;
        return { send: () => {}, close: () => {} };
      },
    };
    const connection = new PlainConnection(endpointOf(processorAt("http://127.0.0.1:1")), network, () => {});
    const failures: Failure[] = [];
    connection.send(REQUEST, {
      answered: () => {
        throw new Error("an invariant is broken");
      },
      failed: (failure) => failures.push(failure),
    });
    events.connected();
    expect(() => events.received(OK)).to.throw("an invariant is broken");
    events.closed(undefined);
    expect(failures).to.deep.equal([]);
  });

  it("gives an answer that trickles up when it is told to", async () => {
    onRequest = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
      const timer = setInterval(() => socket.write("x"), 2);
      socket.once("close", () => clearInterval(timer));
    };
    const connection = open();
    const end = send(connection);
    setTimeout(() => connection.timeOut(), 60);
    expect(await end).to.deep.equal({ failure: "timed out", message: "no answer in time", wasKept: false });
    await closed(sockets[0]!);
  });

  it("gives an answer without end up when it is told to, and keeps none of it", async () => {
    const piece = "x".repeat(65_536);
    let sentBytes = 0;
    onRequest = (socket) => {
      const pour = (): void => {
        if (socket.destroyed) return;
        sentBytes += piece.length;
        socket.write(piece, pour);
      };
      socket.write("HTTP/1.1 500 No\r\n\r\n", pour);
    };
    const connection = open();
    const end = send(connection);
    while (sentBytes < 50_000_000) await new Promise(setImmediate);
    connection.timeOut();
    expect(await end).to.include({ failure: "timed out" });
    await closed(sockets[0]!);
  });

  it("connects to another processor while a name hangs", async () => {
    onRequest = (socket) => socket.write(OK);
    const resolve: Resolve = async (name) => {
      if (name === "hangs.test") await new Promise(() => {});
      return [{ address: "127.0.0.1", family: 4 }];
    };
    const names = new NameLookup(resolve, { waitMs: 150 });
    const stuck = Array.from({ length: 20 }, () => send(open("hangs.test", names)));
    const beganAtMs = performance.now();
    expect(await send(open("works.test", names))).to.include({ status: 200 });
    expect(performance.now() - beganAtMs).to.be.below(100);
    for (const end of await Promise.all(stuck)) {
      expect(end).to.include({ failure: "unreachable", message: "name must resolve in time: name=hangs.test" });
    }
  });

  it("knows that nothing has left when its name is still looked up", async () => {
    const names = new NameLookup(() => new Promise(() => {}));
    const connection = open("hangs.test", names);
    const end = send(connection);
    setTimeout(() => connection.timeOut(), 20);
    expect(await end).to.include({ failure: "unreachable" });
    names.close();
  });
});
