import type { TemplatedApp } from "uWebSockets.js";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { connect, createServer as createNetServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import pino from "pino";
import { LinkNeighbours } from "../../../server/link/link-neighbours.ts";
import { FixedRoster, MemberRoster } from "../../../server/link/roster.ts";
import type { Bulletin } from "../../../server/partition/neighbours.ts";
import type { Address } from "../../../server/system/address.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealTime } from "../../../server/system/time.ts";
import { until } from "../../e2e/until.ts";
import { serveBulletins, TalkingInstance } from "./talking-instance.ts";

/** For a machine that has other things to do. */
const PATIENCE_MS = 2000;
const BULLETIN: Bulletin = { instance: 1, life: "a", upMs: 0, isLeaving: false, carries: [] };

describe("neighbours over the link", function () {
  this.timeout(30_000);
  let folder: string;
  let links: Address[];
  const names = new NameLookup();
  const closers: (() => unknown)[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-neighbours-"));
    links = [0, 1].map((instance) => ({ kind: "unix", path: pathOf(instance) }));
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    rmSync(folder, { recursive: true });
  });

  const pathOf = (instance: number): string => join(folder, `${instance}.sock`);

  function neighboursOf(self: number): LinkNeighbours {
    const options = { roster: new FixedRoster(self, links), names, time: new RealTime() };
    const neighbours = new LinkNeighbours(options, pino({ level: "silent" }));
    closers.push(() => neighbours.close());
    return neighbours;
  }

  /** An instance of this process, which says `said` of itself and serves its link. */
  async function serving(
    self: number,
    said: Bulletin,
    register?: (app: TemplatedApp) => void,
  ): Promise<LinkNeighbours> {
    const neighbours = neighboursOf(self);
    neighbours.publish(() => ({ ...said, upMs: performance.now() }));
    const listener = await serveBulletins(links[self]!, neighbours, register);
    closers.push(() => listener.close());
    return neighbours;
  }

  async function start(): Promise<TalkingInstance> {
    const instance = await TalkingInstance.start(pathOf(1), 1);
    closers.push(() => instance.kill());
    return instance;
  }

  /** How long it takes until the other instance stands so. */
  async function untilStanding(neighbours: LinkNeighbours, standing: string): Promise<number> {
    const beganAtMs = performance.now();
    await until(`it is ${standing}`, () => neighbours.standing(1) === standing);
    return performance.now() - beganAtMs;
  }

  /** Somebody who does what `answer` does with whatever connects at the other instance's address. */
  async function stranger(answer: (socket: Socket) => void): Promise<{ server: Server; connectedCount: () => number }> {
    let count = 0;
    const sockets = new Set<Socket>();
    const server = createNetServer((socket) => {
      count++;
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
      socket.once("data", () => answer(socket));
    }).listen(pathOf(1));
    await once(server, "listening");
    closers.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return { server, connectedCount: () => count };
  }

  it("hear each other, at once when something has changed, and nothing new by heartbeats", async () => {
    const said = { ...BULLETIN };
    const second = await serving(1, said);
    const first = await serving(0, { ...BULLETIN, instance: 0, life: "b" });
    let changes = 0;
    first.onChange(() => changes++);
    await untilStanding(first, "up");
    await until("the first is heard too", () => second.bulletin(0)?.life === "b");
    expect(first.others).to.deep.equal([1]);
    expect(second.standing(0)).to.equal("up");
    await sleep(700);
    expect(changes).to.equal(1);
    const upMs = first.bulletin(1)!.upMs;
    await until("it has been up for longer", () => first.bulletin(1)!.upMs > upMs);
    expect(changes).to.equal(1);
    said.isLeaving = true;
    said.carries = [{ partition: 1, epoch: 2, state: "leaving", sinceMs: 3 }];
    second.tell();
    await until("the change is heard", () => changes === 2);
    expect({ ...first.bulletin(1), upMs: 0 }).to.deep.equal(said);
  });

  it("come and go with the roster, and are down when they are gone", async () => {
    const roster = new MemberRoster(0, 16, pino({ level: "silent" }));
    const neighbours = new LinkNeighbours({ roster, names, time: new RealTime() }, pino({ level: "silent" }));
    closers.push(() => neighbours.close());
    let changes = 0;
    neighbours.onChange(() => changes++);
    expect([neighbours.others, neighbours.standing(1)]).to.deep.equal([[], "down"]);
    expect(await neighbours.askToFollow(1, 0)).to.equal(false);
    await serving(1, BULLETIN);
    roster.set([{ number: 1, address: `unix:${pathOf(1)}` }]);
    expect([neighbours.others, neighbours.standing(1), changes]).to.deep.equal([[1], "unknown", 1]);
    await untilStanding(neighbours, "up");
    roster.set([{ number: 1, address: `unix:${pathOf(7)}` }]);
    expect([neighbours.standing(1), neighbours.bulletin(1)]).to.deep.equal(["unknown", undefined]);
    await untilStanding(neighbours, "down");
    roster.set([{ number: 1, address: `unix:${pathOf(1)}` }]);
    await untilStanding(neighbours, "up");
    roster.set([]);
    expect([neighbours.others, neighbours.standing(1), neighbours.bulletin(1)]).to.deep.equal([[], "down", undefined]);
  });

  it("are down where nobody listens, and up soon after somebody does", async () => {
    const neighbours = neighboursOf(0);
    expect(neighbours.standing(1)).to.equal("unknown");
    await untilStanding(neighbours, "down");
    await serving(1, BULLETIN);
    expect(await untilStanding(neighbours, "up")).to.be.below(PATIENCE_MS);
  });

  it("are silent a second after they were stopped, and up again when they go on", async () => {
    const instance = await start();
    const neighbours = neighboursOf(0);
    await untilStanding(neighbours, "up");
    const { life } = neighbours.bulletin(1)!;
    instance.process.kill("SIGSTOP");
    expect(await untilStanding(neighbours, "silent")).to.be.within(700, 1000 + PATIENCE_MS);
    expect(neighbours.bulletin(1)?.life).to.equal(life);
    // Whoever comes to know it now is told nothing, but not refused either.
    const late = neighboursOf(0);
    await untilStanding(late, "silent");
    expect(late.bulletin(1)).to.equal(undefined);
    instance.process.kill("SIGCONT");
    expect(await untilStanding(neighbours, "up")).to.be.below(PATIENCE_MS);
    expect(await untilStanding(late, "up")).to.be.below(PATIENCE_MS);
    expect(neighbours.bulletin(1)?.life).to.equal(life);
  });

  it("are silent too where so many wait that the kernel takes no more connections", async () => {
    const program = `
      const { createServer } = require("node:net");
      const options = { path: process.argv[1], backlog: 1 };
      createServer().listen(options, () => { console.log("listens"); });`;
    const child = spawn(process.execPath, ["-e", program, "--", pathOf(1)], { stdio: ["ignore", "pipe", "inherit"] });
    closers.push(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    child.kill("SIGSTOP");
    const errors: (string | undefined)[] = [];
    const fill = (): void => {
      const socket = connect(pathOf(1)).on("error", ({ code }: NodeJS.ErrnoException) => errors.push(code));
      closers.push(() => socket.destroy());
    };
    await until("no connection is taken", async () => {
      fill();
      await sleep(5);
      return errors.includes("EAGAIN");
    });
    const neighbours = neighboursOf(0);
    const standings: string[] = [];
    neighbours.onChange(() => standings.push(neighbours.standing(1)));
    await untilStanding(neighbours, "silent");
    await sleep(300);
    expect(standings).to.deep.equal(["silent"]);
    child.kill("SIGKILL");
    expect(await untilStanding(neighbours, "down")).to.be.below(PATIENCE_MS);
  });

  it("are down at once when they are killed, and another life when they are started again", async () => {
    const neighbours = neighboursOf(0);
    const earlier = await start();
    await untilStanding(neighbours, "up");
    const { life } = neighbours.bulletin(1)!;
    let downAfterMs = Number.NaN;
    const killedAtMs = performance.now();
    neighbours.onChange(() => {
      if (neighbours.standing(1) === "down") downAfterMs = performance.now() - killedAtMs;
    });
    await earlier.kill();
    await untilStanding(neighbours, "down");
    expect(downAfterMs).to.be.below(500);
    expect(neighbours.bulletin(1)).to.equal(undefined);
    await start();
    expect(await untilStanding(neighbours, "up")).to.be.below(PATIENCE_MS);
    expect(neighbours.bulletin(1)?.life).not.to.equal(life);
  });

  it("are told from an earlier life even where nothing was refused in between", async () => {
    const lives = ["a", "b"];
    const server = createServer((_req, res) => {
      const life = lives.shift();
      if (life === undefined) return;
      res.write(`${JSON.stringify({ ...BULLETIN, life })}\n`);
      if (life === "a") setTimeout(() => res.destroy(), 100);
    }).listen(pathOf(1));
    await once(server, "listening");
    closers.push(() => server.closeAllConnections() ?? server.close());
    const neighbours = neighboursOf(0);
    const heard: unknown[] = [];
    neighbours.onChange(() => heard.push(neighbours.standing(1), neighbours.bulletin(1)?.life));
    await until("both are heard", () => heard.length === 4);
    expect(heard).to.deep.equal(["up", "a", "up", "b"]);
  });

  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const strange: Record<string, string> = {
    "a web page": "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html></html>",
    "lines of something else": head + chunk('{"status":"ok"}\n'),
    "another instance's bulletin": head + chunk(`${JSON.stringify({ ...BULLETIN, instance: 2 })}\n`),
    "a bulletin that is none": head + chunk(`${JSON.stringify({ ...BULLETIN, carries: [null] })}\n`),
    "a line without an end": head + chunk("x".repeat(40_000)),
    "no HTTP": "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "another protocol's 404": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
  };
  for (const [what, said] of Object.entries(strange)) {
    it(`are silent where ${what} is all that is said, and not asked all the time`, async () => {
      const { connectedCount } = await stranger((socket) => socket.write(said));
      const neighbours = neighboursOf(0);
      const standings: string[] = [];
      neighbours.onChange(() => standings.push(neighbours.standing(1)));
      expect(await untilStanding(neighbours, "silent")).to.be.within(900, 1000 + PATIENCE_MS);
      expect(connectedCount()).to.be.within(1, 4);
      expect(standings).to.deep.equal(["silent"]);
      expect(neighbours.bulletin(1)).to.equal(undefined);
    });
  }

  it("answer whether they have caught up with a partition, however long that takes", async () => {
    const asked: string[] = [];
    const answers: Record<string, [status: number, body: string, afterMs: number]> = {
      "/2/partitions/0/follow": [200, '{"following":true}', 0],
      "/2/partitions/1/follow": [200, '{"following":true}', 1500],
      "/2/partitions/2/follow": [409, '{"status":409}', 0],
      "/2/partitions/3/follow": [200, '{"following":"true"}', 0],
    };
    const server = createServer((req, res: ServerResponse) => {
      asked.push(req.method!);
      const [status, body, afterMs] = answers[req.url!] ?? [404, "", 0];
      setTimeout(() => res.writeHead(status).end(body), afterMs);
    }).listen(pathOf(1));
    await once(server, "listening");
    closers.push(() => server.closeAllConnections() ?? server.close());
    const neighbours = neighboursOf(0);
    const follow = [0, 1, 2, 3, 4].map((partition) => neighbours.askToFollow(1, partition));
    expect(await Promise.all(follow)).to.deep.equal([true, true, false, false, false]);
    expect(asked.filter((method) => method === "POST")).to.have.length(5);
  });

  it("that are not there, or do not answer before all is closed, follow nothing", async () => {
    const neighbours = neighboursOf(0);
    expect(await neighbours.askToFollow(1, 0)).to.equal(false);
    await stranger(() => {});
    const asked = Array.from({ length: 5 }, () => neighbours.askToFollow(1, 0));
    await sleep(50);
    neighbours.close();
    expect(await Promise.all(asked)).to.deep.equal(Array.from(asked, () => false));
    expect(await neighbours.askToFollow(1, 0)).to.equal(false);
  });

  it("are left alone once closed: no connection, no attempt at one, no report", async () => {
    const { server, connectedCount } = await stranger(() => {});
    const neighbours = neighboursOf(0);
    neighbours.onChange(() => expect.fail("nothing is reported"));
    await until("it is connected", () => connectedCount() === 1);
    neighbours.close();
    const openCount = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    await until("the connection is closed", async () => (await openCount()) === 0);
    await sleep(1200);
    expect(connectedCount()).to.equal(1);
  });
});
