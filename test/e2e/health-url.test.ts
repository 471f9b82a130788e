import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { RunningProcessor } from "../../perf/processor/processor.ts";
import { leastGapMs, startProcessors } from "../support/health-monitors.ts";
import { findRedis, RedisServer } from "../support/redis.ts";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, payMany, untilState } from "./payments.ts";
import { until } from "./until.ts";

/** Before a connection that cannot be had is given up, or waited for to end. */
const STOP_MS_MAX = 4000;
const STAY_MS_MAX = 30_000;

describe("an instance with HEALTH_URL", function () {
  this.timeout(120_000);
  let folder: string;
  let processors: (RunningProcessor & { name: string })[];
  let redis: RedisServer | undefined;
  let child: ChildProcess;
  let caller: Caller;

  before(function () {
    if (findRedis() !== undefined) return;
    process.stdout.write("    skipped: neither redis-server nor valkey-server is installed\n");
    this.skip();
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-health-url-"));
    processors = await startProcessors();
  });

  afterEach(async () => {
    caller?.close();
    if (child?.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await redis?.remove();
    for (const processor of processors) processor.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(environment: Readonly<Record<string, string>>): Promise<void> {
    const started = await startLoneInstance(folder, "ignore", {
      DEFAULT_PROCESSOR_URL: processors[0]!.url,
      FALLBACK_PROCESSOR_URL: processors[1]!.url,
      ...environment,
    });
    child = started.child;
    caller = new Caller({ socketPath: started.socketPath });
  }

  async function endInTime(): Promise<void> {
    const endingAtMs = performance.now();
    child.kill("SIGTERM");
    const [status] = (await once(child, "exit")) as [number | null];
    expect(status).to.equal(0);
    expect(performance.now() - endingAtMs).to.be.below(STOP_MS_MAX);
  }

  it("charges payments without Redis, polls when it comes, goes on when it goes, and ends in time", async () => {
    redis = await RedisServer.start();
    await redis.kill();
    await start({ HEALTH_URL: redis.url });
    const [early, late] = [newPayment(), newPayment()];
    await payMany(caller, [early]);
    await untilState(caller, [early], "processed");
    expect(processors.map(({ healthArrivals }) => healthArrivals.count)).to.deep.equal([0, 0]);
    await redis.start();
    const isPolled = (): boolean => processors.every(({ healthArrivals }) => healthArrivals.count > 0);
    await until("both processors are polled", isPolled, STAY_MS_MAX);
    await redis.kill();
    await payMany(caller, [late]);
    await untilState(caller, [late], "processed");
    await endInTime();
    expect(leastGapMs(processors)).to.be.at.least(5000);
  });
});
