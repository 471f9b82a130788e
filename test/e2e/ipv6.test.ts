import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../perf/launch/plans.ts";
import { settlePorts } from "../../perf/launch/ports.ts";
import { answersHealth } from "../../perf/launch/readiness.ts";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import { Caller } from "./caller.ts";
import { newPayment, payMany, untilState, viewOf } from "./payments.ts";
import { countOf, summaryOf } from "./summaries.ts";
import { until } from "./until.ts";

const HOST = "::1";
const TRIES_MAX = 5;
/** Of the processors' health endpoints, for all callers together; timers may be early by a millisecond. */
const WINDOW_MS = 4990;

/** Ports for a service, an operators' and a link listener, with the one after the link for the health monitor. */
async function portsOfInstance(): Promise<{ listen: number; admin: number; link: number }> {
  for (let tries = 1; ; tries++) {
    const wishes = ["listen", "admin", "link"].map((name) => ({ name, host: HOST, port: 0 }));
    const [listen, admin, link] = (await settlePorts(wishes)) as [number, number, number];
    const isNextFree = await settlePorts([{ name: "health", host: HOST, port: link + 1 }]).catch(() => undefined);
    if (isNextFree && ![listen, admin].includes(link + 1)) return { listen, admin, link };
    if (tries === TRIES_MAX) throw new Error(`ports must be found: tries=${tries}`);
  }
}

describe("everything over IPv6", () => {
  let directory: string;
  const processors: RunningProcessor[] = [];
  const children: ChildProcess[] = [];
  const listenTexts: string[] = [];
  const callers: Caller[] = [];
  const admins: Caller[] = [];

  before(async function () {
    const ports = await Promise.all([portsOfInstance(), portsOfInstance()]).catch((error: Error) => error);
    if (ports instanceof Error && /EADDRNOTAVAIL|EAFNOSUPPORT/.test(ports.message)) {
      this.test!.title += ` (skipped, no IPv6 loopback: ${ports.message})`;
      return this.skip();
    }
    if (ports instanceof Error) throw ports;
    directory = mkdtempSync(join(tmpdir(), "rinha-ipv6-"));
    for (const fee of [0.05, 0.15]) processors.push(await startProcessor({ fee, host: HOST }));
    const [defaultUrl, fallbackUrl] = processors.map(({ port }) => `http://[${HOST}]:${port}`) as [string, string];
    for (const [index, { listen, admin }] of ports.entries()) {
      const env = {
        INSTANCE: `${index + 1}`,
        LISTEN: `tcp:[${HOST}]:${listen}`,
        ADMIN_LISTEN: `tcp:[0:0:0:0:0:0:0:1]:${admin}`,
        LINKS: ports.map(({ link }) => `tcp:[${HOST}]:${link}`).join(","),
        DATA_DIR: join(directory, "data"),
        DEFAULT_PROCESSOR_URL: defaultUrl,
        FALLBACK_PROCESSOR_URL: fallbackUrl,
        CAPACITY: "1000",
        LOG_LEVEL: "warn",
      };
      children.push(
        spawn(process.execPath, [...INSTANCE_NODE_FLAGS, INSTANCE_MAIN], {
          env,
          stdio: ["ignore", "ignore", "inherit"],
        }),
      );
      listenTexts.push(env.LISTEN);
      callers.push(new Caller({ host: HOST, port: listen }));
      admins.push(new Caller({ host: HOST, port: admin }));
    }
    for (const { listen } of ports)
      await until("an instance serves", () => answersHealth({ host: HOST, port: listen }));
  });

  after(async () => {
    for (const caller of [...callers, ...admins]) caller.close();
    for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    for (const processor of processors) processor.close();
    if (directory) rmSync(directory, { recursive: true, force: true });
  });

  it("payments reach their owner, the processor and the summary of either instance", async () => {
    const payments = Array.from({ length: 40 }, () => newPayment());
    await payMany(callers[0]!, payments);
    await untilState(callers[1]!, payments, "processed");
    expect(processors.reduce((count, { charges }) => count + charges.count, 0)).to.equal(payments.length);
    for (const caller of callers) expect(countOf(await summaryOf(caller))).to.equal(payments.length);
    for (const payment of payments) await viewOf(callers[0]!, payment);
  });

  it("the health monitors agree on one call per window between them", async () => {
    for (const { healthArrivals } of processors) await until("it is polled twice", () => healthArrivals.count >= 2);
    for (const { healthArrivals } of processors) {
      const arrivedAtMs = healthArrivals.recent();
      for (const [i, atMs] of arrivedAtMs.slice(1).entries()) expect(atMs - arrivedAtMs[i]!).to.be.above(WINDOW_MS);
    }
  });

  it("the health check of the image finds them", async () => {
    for (const LISTEN of listenTexts) {
      const check = spawn(process.execPath, ["docker/healthcheck.mjs"], { env: { LISTEN }, stdio: "ignore" });
      expect(await once(check, "exit"), LISTEN).to.deep.equal([0, null]);
    }
  });

  it("operators have their listener", async () => {
    for (const admin of admins) expect((await admin.get("/metrics")).status).to.equal(200);
  });
});
