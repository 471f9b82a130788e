import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { RunningProcessor } from "../../../perf/processor/processor.ts";
import { POLL_INTERVAL_MS } from "../../../server/health/poll-rights.ts";
import { RIGHT_MS } from "../../../server/health/register-consent.ts";
import { until } from "../../e2e/until.ts";
import { LoneMonitor, leastGapMs, startProcessors } from "../../support/health-monitors.ts";
import { findRedis, RedisServer } from "../../support/redis.ts";
import { repositoryFiles } from "../../support/repository-files.ts";

const PASSWORD = "s3cret-word";
/** As docs/settings.md has them. */
const RIGHTS = "~rinha:* &rinha:* +hello +select +client +set +get +pttl +pexpire +eval +publish +subscribe";
const PATIENCE_MS = 30_000;
/** Before a thread that does not end by itself is terminated (monitor.ts). */
const STOP_MS_MAX = 900;

describe("Redis' client", () => {
  it("is known to one file, which loads it when it connects", () => {
    const lines = repositoryFiles(/^server\/.*\.ts$/).flatMap((file) =>
      file.lines.filter((line) => /["']@?redis["'/]/.test(line)).map((line) => `${file.path}: ${line.trim()}`),
    );
    expect(lines).to.deep.equal([
      'server/health/redis-register.ts: import type { RedisClientType } from "redis";',
      'server/health/redis-register.ts: const { createClient } = await import("redis");',
    ]);
  });
});

describe("health monitors with Redis", function () {
  this.timeout(120_000);
  let processors: (RunningProcessor & { name: string })[];
  const monitors: LoneMonitor[] = [];
  const servers: { remove(): Promise<void> }[] = [];

  beforeEach(async () => {
    processors = await startProcessors();
  });

  afterEach(async () => {
    await Promise.all(monitors.splice(0).map((monitor) => monitor.stop()));
    for (const server of servers.splice(0)) await server.remove();
    for (const processor of processors) processor.close();
  });

  async function startRedis(...settings: string[]): Promise<RedisServer> {
    const redis = await RedisServer.start(...settings);
    servers.push(redis);
    return redis;
  }

  async function startMonitor(healthUrl: string): Promise<LoneMonitor> {
    const monitor = await LoneMonitor.start(processors, { healthUrl });
    monitors.push(monitor);
    return monitor;
  }

  function pollCounts(): number[] {
    return processors.map(({ healthArrivals }) => healthArrivals.count);
  }

  async function untilPolledAgain(what: string, times = 1): Promise<void> {
    const before = pollCounts();
    const isPolled = () => pollCounts().every((count, i) => count >= before[i]! + times);
    await until(`${what}: both processors are polled`, isPolled, times * PATIENCE_MS);
  }

  function logged(monitor: LoneMonitor): { reason?: string; msg: string }[] {
    return monitor.lines.map((line) => JSON.parse(line));
  }

  describe("that is there", () => {
    before(function () {
      if (findRedis() !== undefined) return;
      process.stdout.write("    skipped: neither redis-server nor valkey-server is installed\n");
      this.skip();
    });

    it("share one call in 5 s between deployments, all hear of it, and who starts later knows at once", async () => {
      const redis = await startRedis("--user", "app", "on", `>${PASSWORD}`, ...RIGHTS.split(" "));
      const url = `redis://app:${PASSWORD}@127.0.0.1:${redis.port}/3`;
      const [first, second] = [await startMonitor(url), await startMonitor(url)];
      processors[0]!.settings.delayMs = 7;
      processors[1]!.settings.delayMs = 9;
      await untilPolledAgain("at first");
      await until("both know", () => `${first!.knownMs};${second!.knownMs}` === "7,9;7,9");
      await untilPolledAgain("in good weather", 2);
      const third = await startMonitor(url);
      await until("the third knows", () => `${third.knownMs}` === "7,9", 2000);
      await first!.stop();
      processors[0]!.settings.delayMs = 70;
      await untilPolledAgain("after one has stopped", 2);
      await until("the others know", () => second!.knownMs[0] === 70 && third.knownMs[0] === 70);
      expect(leastGapMs(processors)).to.be.at.least(POLL_INTERVAL_MS);
      expect([first!.lines, second!.lines, third.lines]).to.deep.equal([[], [], []]);
    });

    it("make no call while it is gone, and none for 7 s after it is back with nothing", async () => {
      const redis = await startRedis();
      const [first, second] = [await startMonitor(redis.url), await startMonitor(redis.url)];
      await untilPolledAgain("at first");
      await redis.kill();
      const before = pollCounts();
      await sleep(POLL_INTERVAL_MS + 1000);
      expect(pollCounts()).to.deep.equal(before);
      await redis.start();
      // Knows nothing of before either.
      const third = await startMonitor(redis.url);
      await sleep(RIGHT_MS - 500);
      expect(pollCounts()).to.deep.equal(before);
      processors[0]!.settings.delayMs = 11;
      await untilPolledAgain("when it is back");
      await until("all know", () => [first!, second!, third].every(({ knownMs }) => knownMs[0] === 11), PATIENCE_MS);
      expect(leastGapMs(processors)).to.be.at.least(POLL_INTERVAL_MS);
      for (const monitor of [first!, second!]) {
        const [lost, back, ...more] = logged(monitor);
        expect(lost!.msg).to.match(/out of reach/);
        expect(back!.msg).to.match(/is there again/);
        expect(more).to.deep.equal([]);
      }
    });

    it("make no call while it is stopped, and go on when it goes on", async () => {
      const redis = await startRedis();
      await startMonitor(redis.url);
      const second = await startMonitor(redis.url);
      await untilPolledAgain("at first");
      redis.stop();
      await sleep(300);
      const before = pollCounts();
      await sleep(POLL_INTERVAL_MS + 3000);
      expect(pollCounts()).to.deep.equal(before);
      expect(logged(second)[0]).to.include({ reason: "timed_out" });
      redis.goOn();
      await untilPolledAgain("when it goes on");
      expect(leastGapMs(processors)).to.be.at.least(POLL_INTERVAL_MS);
    });

    it("say that the password is wrong, but not which, and make no call", async () => {
      const redis = await startRedis("--requirepass", "another");
      const monitor = await startMonitor(`redis://:${PASSWORD}@127.0.0.1:${redis.port}`);
      const without = await startMonitor(redis.url);
      await until("both say so", () => monitor.lines.length > 0 && without.lines.length > 0);
      expect(logged(monitor)[0]).to.include({ reason: "WRONGPASS" });
      expect(logged(without)[0]).to.include({ reason: "NOAUTH" });
      await sleep(RIGHT_MS + 2000);
      expect(pollCounts()).to.deep.equal([0, 0]);
      expect(monitor.lines.join()).not.to.include(PASSWORD);
      expect([monitor.lines.length, without.lines.length]).to.deep.equal([1, 1]);
    });
  });

  describe("that is none", () => {
    /** Answers what it is sent in its own way. */
    async function startImpostor(answer: (socket: Socket, text: string) => void): Promise<string> {
      const sockets = new Set<Socket>();
      const server: Server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("data", (bytes) => answer(socket, bytes.toString("latin1")));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      servers.push({
        remove: async () => {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
      return `redis://user:${PASSWORD}@127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    async function stopMs(monitor: LoneMonitor): Promise<number> {
      const stoppingAtMs = performance.now();
      await monitor.stop();
      return performance.now() - stoppingAtMs;
    }

    const impostors: [string, (socket: Socket, text: string) => void][] = [
      ["silence", () => {}],
      ["another protocol", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
      ["the end", (socket) => socket.end()],
      ["a reset", (socket) => socket.resetAndDestroy()],
      ["its own words back", (socket, text) => socket.write(`-ERR unknown ${text.replaceAll("\r\n", " ")}\r\n`)],
      ["the password as an error", (socket) => socket.write(`-${PASSWORD} ${PASSWORD}\r\n`)],
      ["OK to everything", (socket) => socket.write("+OK\r\n")],
      ["OK so often", (socket) => socket.write("+OK\r\n".repeat(1000))],
      ["numbers without an end", (socket) => socket.write("*1000000\r\n:1\r\n")],
      ["pushes that nobody wants", (socket) => socket.write(">3\r\n+message\r\n$1\r\nx\r\n$1\r\ny\r\n".repeat(50))],
      ["bytes of all kinds", (socket) => socket.write(Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 255)))],
      ["a late answer", (socket) => void setTimeout(() => socket.write("%0\r\n"), 4000).unref()],
    ];

    it("start and stop at once, make no call and keep the password to themselves, whatever it answers", async () => {
      const urls = await Promise.all(impostors.map(([, answer]) => startImpostor(answer)));
      for (const url of urls) {
        const { lines } = await startMonitor(url);
        // What becomes of the connection is told later: nobody has waited for it.
        if (url === urls[0]) expect(lines).to.deep.equal([]);
      }
      await sleep(RIGHT_MS + 3000);
      expect(pollCounts()).to.deep.equal([0, 0]);
      for (const [i, monitor] of [...monitors].entries()) {
        const what = `${impostors[i]![0]}: ${monitor.lines}`;
        expect(monitor.lines.length, what).to.equal(1);
        expect(monitor.lines[0], what).not.to.include(PASSWORD);
        // On a busy machine once may be chance.
        const isInTime = (await stopMs(monitor)) < STOP_MS_MAX;
        if (!isInTime) expect(await stopMs(await startMonitor(urls[i]!)), what).to.be.below(STOP_MS_MAX);
      }
    });
  });
});
