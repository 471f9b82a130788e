import type { TemplatedApp } from "uWebSockets.js";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Listener } from "../../../server/http/listener.ts";
import { LiveFeed } from "../../../server/live/live-feed.ts";
import { LIVE_SOCKETS_MAX, LIVE_TOPIC, serveLiveSocket } from "../../../server/live/live-socket.ts";
import type { Hello } from "../../../server/page/message.ts";

const HELLO: Hello = {
  type: "hello",
  instance: 1,
  instanceCount: 1,
  partitionCount: 2,
  processors: ["default", "fallback"],
  feeFractions: [0.05, 0.15],
  answerWithinMs: 2000,
  reasons: ["none"],
  intervalMs: 5,
  isSimulation: false,
};
/** So large that whoever does not read is soon behind. */
const LARGE_READING = JSON.stringify("x".repeat(30_000));

describe("live socket", () => {
  let folder: string;
  let listener: Listener;
  let feed: LiveFeed;
  let sockets: Socket[] = [];
  let reading: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-live-"));
    listener = await Listener.open({ kind: "unix", path: join(folder, "s") }, (app: TemplatedApp) => {
      const sources = {
        self: 0,
        instanceCount: () => 1,
        ownReading: async () => reading,
        peerReadings: async () => new Map<number, string>(),
        publish: (message: string) => app.publish(LIVE_TOPIC, message),
      };
      feed = new LiveFeed(sources, HELLO.intervalMs);
      serveLiveSocket(app, feed, () => HELLO, "https://shop.example");
      app.any("/*", (res) => {
        res.writeStatus("404 Not Found").endWithoutBody(0);
      });
    });
    sockets = [];
    reading = "{}";
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    feed.stop();
    listener.close();
    rmSync(folder, { recursive: true });
  });

  /** Asks for a WebSocket; resolves to all that came with the first bytes of the answer. */
  function open(headers: Record<string, string> = {}): Promise<{ socket: Socket; head: string }> {
    return new Promise((resolve, reject) => {
      const socket = connect(join(folder, "s"));
      sockets.push(socket);
      const all = {
        Host: "pay.example",
        Upgrade: "websocket",
        Connection: "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        ...headers,
      };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.on("error", reject);
      socket.once("data", (chunk: Buffer) => resolve({ socket, head: chunk.toString("latin1") }));
      socket.write(`GET /live HTTP/1.1\r\n${lines.join("")}\r\n`);
    });
  }

  async function untilViewers(count: number): Promise<void> {
    const deadlineMs = performance.now() + 10_000;
    while (feed.viewerCount !== count) {
      if (performance.now() > deadlineMs) throw new Error(`viewers must be ${count}: viewers=${feed.viewerCount}`);
      await sleep(2);
    }
  }

  it("begins with what the page has to know", async () => {
    const { head } = await open({ Origin: "http://pay.example" });
    expect(head).to.match(/^HTTP\/1.1 101 /);
    expect(head).to.include(JSON.stringify(HELLO));
  });

  it("is closed to other sites' pages, and open to the one that is configured", async () => {
    const { head } = await open({ Origin: "https://evil.example" });
    expect(head)
      .to.match(/^HTTP\/1.1 403 /)
      .and.include("application/problem+json");
    expect(feed.viewerCount).to.equal(0);
    expect((await open({ Origin: "https://shop.example" })).head).to.match(/^HTTP\/1.1 101 /);
  });

  it("lets no more in than it can bear, and the next when one has left", async () => {
    const opened = await Promise.all(Array.from({ length: LIVE_SOCKETS_MAX }, () => open()));
    for (const { socket } of opened) socket.resume();
    expect((await open()).head)
      .to.match(/^HTTP\/1.1 503 /)
      .and.include("Retry-After");
    opened[0]!.socket.destroy();
    await untilViewers(LIVE_SOCKETS_MAX - 1);
    expect((await open()).head).to.match(/^HTTP\/1.1 101 /);
  });

  it("lets go of one that does not read, without harm to one that does", async () => {
    reading = LARGE_READING;
    const { socket: reader } = await open();
    let receivedBytes = 0;
    reader.on("data", (chunk: Buffer) => {
      receivedBytes += chunk.length;
    });
    const { socket: sleeper } = await open();
    sleeper.pause();
    await untilViewers(2);
    await untilViewers(1);
    const before = receivedBytes;
    while (receivedBytes < before + 10 * LARGE_READING.length) await sleep(5);
  });

  it("lets go of one that talks at length", async () => {
    const { socket } = await open();
    await untilViewers(1);
    // A masked text frame of 100 bytes.
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | 100, 0, 0, 0, 0]), Buffer.alloc(100, 0x61)]));
    await untilViewers(0);
  });
});
