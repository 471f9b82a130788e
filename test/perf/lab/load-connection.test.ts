import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { Connection, type Outcome } from "../../../perf/lab/load/connection.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("connection", () => {
  let server: Server;
  let connection: Connection;
  let sockets: Socket[];
  let onRequest: (socket: Socket) => void;

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", () => onRequest(socket));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    connection = new Connection(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });

  afterEach(() => {
    connection.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });

  const call = (): Promise<Outcome & { body: string }> =>
    new Promise((resolve) => {
      connection.send("GET / HTTP/1.1\r\n\r\n", (outcome, reader) => resolve({ ...outcome, body: reader.body }));
    });

  it("uses one connection for one request after the other", async () => {
    onRequest = (socket) => socket.write(OK);
    for (let i = 0; i < 3; i++) {
      const { status, body, error, durationMs } = await call();
      expect({ status, body, error }).to.deep.equal({ status: 200, body: "ok", error: null });
      expect(durationMs).to.be.greaterThan(0);
    }
    expect(sockets).to.have.length(1);
  });

  it("connects anew after the server has closed, whether it said so or not", async () => {
    onRequest = (socket) => socket.end(OK);
    expect((await call()).status).to.equal(200);
    await once(sockets[0]!, "close");
    onRequest = (socket) => socket.write(OK.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    expect((await call()).status).to.equal(200);
    expect((await call()).status).to.equal(200);
    expect(sockets).to.have.length(3);
  });

  it("tells when there is no answer, and why, and goes on", async () => {
    onRequest = (socket) => socket.destroy();
    expect(await call()).to.include({ status: 0, error: "closed" });
    onRequest = (socket) => socket.resetAndDestroy();
    expect(await call()).to.include({ status: 0, error: "ECONNRESET" });
    onRequest = (socket) => socket.write("?\r\n\r\n");
    expect(await call()).to.include({ status: 0, error: "no HTTP" });
    onRequest = () => connection.timeOut();
    expect(await call()).to.include({ status: 0, error: "timeout" });
    onRequest = (socket) => socket.write(OK);
    expect(await call()).to.include({ status: 200, error: null });
  });

  it("tells when nobody listens", async () => {
    server.close();
    expect(await call()).to.include({ status: 0, error: "ECONNREFUSED" });
  });

  it("has no outcome after it is closed", async () => {
    let outcomeCount = 0;
    onRequest = () => {};
    connection.send("GET / HTTP/1.1\r\n\r\n", () => outcomeCount++);
    await once(server, "connection");
    connection.close();
    await once(sockets[0]!, "close");
    expect(outcomeCount).to.equal(0);
  });
});
