import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { expect } from "chai";
import { settlePorts } from "../../../perf/launch/ports.ts";

describe("ports of a topology", () => {
  const host = "127.0.0.1";
  const servers: Server[] = [];

  async function takePort(): Promise<number> {
    const [port] = await settlePorts([{ name: "test", host, port: 0 }]);
    const server = createServer().listen(port, host);
    await once(server, "listening");
    servers.push(server);
    return port!;
  }

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  it("finds free ones for 0, each a different one", async () => {
    const ports = await settlePorts(Array.from({ length: 20 }, (_, i) => ({ name: `${i}`, host, port: 0 })));
    expect(new Set(ports).size).to.equal(20);
    for (const port of ports) expect(port).to.be.within(1024, 65_535);
  });

  it("tells all the taken ones at once, and who wanted them", async () => {
    const taken = [await takePort(), await takePort()];
    const wishes = [
      { name: "nginx", host, port: taken[0]! },
      { name: "other", host, port: 0 },
      { name: "processor-default", host, port: taken[1]! },
    ];
    let message = "";
    await settlePorts(wishes).catch((error: Error) => {
      message = error.message;
    });
    expect(message.split("\n")).to.deep.equal([
      `port already in use: port=${taken[0]} host=${host} wantedBy=nginx`,
      `port already in use: port=${taken[1]} host=${host} wantedBy=processor-default`,
    ]);
  });

  it("tells of one wished for twice", async () => {
    const [port] = await settlePorts([{ name: "first", host, port: 0 }]);
    const wishes = ["nginx", "processor-default"].map((name) => ({ name, host, port: port! }));
    const message = await settlePorts(wishes).catch((error: Error) => error.message);
    expect(message).to.equal(`port must be wanted once: port=${port} wantedBy=processor-default`);
  });
});
