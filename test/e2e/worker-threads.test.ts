import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { INSTANCE_MAIN } from "../../perf/launch/plans.ts";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import { Collector } from "../server/telemetry/collector.ts";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, payMany, untilState } from "./payments.ts";
import { residentMb } from "./process-resources.ts";
import { scrape, sumOf } from "./scrape.ts";
import { until } from "./until.ts";

const DYING_THREADS = fileURLToPath(new URL("./dying-threads.js", import.meta.url));
const POLL_INTERVAL_MS = 5000;
const GROWTH_MB_MAX = 40;

describe("a worker thread that dies", function () {
  this.timeout(120_000);
  let folder: string;
  let processor: RunningProcessor;
  let collector: Collector;
  let child: ChildProcess;
  let caller: Caller;
  let log = "";

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-threads-"));
    processor = await startProcessor({ fee: 0.05 });
    collector = await Collector.start();
    const started = await startLoneInstance(folder, "pipe", {
      DEFAULT_PROCESSOR_URL: processor.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: "100",
      LOG_LEVEL: "warn",
      NODE_OPTIONS: `--import ${DYING_THREADS}`,
      DYING_THREADS: folder,
    });
    child = started.child;
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    caller = new Caller({ socketPath: started.socketPath });
  });

  after(async () => {
    caller?.close();
    processor?.close();
    collector?.stop();
    if (child?.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  });

  async function replacements(thread: string): Promise<number> {
    return sumOf([await scrape(caller)], "rinha_thread_replacements_total", { thread });
  }

  /** Returns when another thread has taken its place. */
  async function killThread(thread: string, how: string): Promise<void> {
    const before = await replacements(thread);
    writeFileSync(join(folder, "order"), how);
    renameSync(join(folder, "order"), join(folder, thread));
    await until("it is replaced", async () => (await replacements(thread)) === before + 1);
  }

  async function expectService(): Promise<void> {
    const payments = [newPayment(), newPayment()];
    await payMany(caller, payments);
    await untilState(caller, payments, "processed");
  }

  function deaths(name: string): { reason: string; replacedInMs: number }[] {
    const lines = log
      .trim()
      .split("\n")
      .filter((line) => line !== "");
    const all = lines.map(
      (line) => JSON.parse(line) as { msg: string; thread: string; reason: string; replacedInMs: number },
    );
    return all.filter(({ msg, thread }) => msg === "a thread has died and will be replaced" && thread === name);
  }

  it("is replaced, later each time, with the reason in the log, while payments go on and memory stays", async () => {
    const beforeMb = residentMb(child.pid!);
    for (const how of ["throw", "memory", "exit"]) {
      const killed = killThread("health_monitor", how);
      await expectService();
      await killed;
    }
    await until("the log has it", () => deaths("health monitor").length === 3);
    const [thrown, memory, exit] = deaths("health monitor");
    expect(thrown!.reason).to.equal("told to die");
    expect(memory!.reason).to.match(/memory limit/);
    expect(exit!.reason).to.equal("it has ended by itself");
    expect(deaths("health monitor").map(({ replacedInMs }) => replacedInMs)).to.deep.equal([1000, 2000, 4000]);
    // What a dead thread had is given back after it, in Node.js 24 only with the garbage of the next moments.
    await until("memory is as before", () => residentMb(child.pid!) - beforeMb < GROWTH_MB_MAX);
  });

  it("keeps the promise about polls, whoever made the last one", async () => {
    const arrivals = (): readonly number[] => processor.healthArrivals.recent();
    const polled = arrivals().length;
    await until("the new one polls", () => arrivals().length > polled);
    await killThread("health_monitor", "throw");
    const before = arrivals().length;
    await until("the next one polls", () => arrivals().length > before);
    const gaps = arrivals()
      .slice(1)
      .map((atMs, i) => atMs - arrivals()[i]!);
    expect(Math.min(...gaps), `${arrivals()}`).to.be.at.least(POLL_INTERVAL_MS);
  });

  it("costs the spans it had in hand, and no more, where it sends those", async () => {
    await expectService();
    await until("spans arrive", () => collector.spans.length > 0);
    await killThread("trace_sender", "throw");
    const before = collector.spans.length;
    await expectService();
    await until("spans arrive again", () => collector.spans.length > before);
    expect(deaths("trace sender").map(({ reason }) => reason)).to.deep.equal(["told to die"]);
  });
});

describe("a health monitor that cannot listen", () => {
  it("ends its instance in order, which says why", () => {
    const folder = mkdtempSync(join(tmpdir(), "rinha-monitor-"));
    try {
      const links = [1, 2].map((number) => join(folder, `link-${number}.sock`));
      // Nothing of ours removes a folder.
      mkdirSync(`${links[0]}.health`);
      const env = {
        LISTEN: `unix:${join(folder, "instance.sock")}`,
        DATA_DIR: join(folder, "data"),
        INSTANCE: "1",
        LINKS: links.map((path) => `unix:${path}`).join(","),
        DEFAULT_PROCESSOR_URL: "http://127.0.0.1:9",
        FALLBACK_PROCESSOR_URL: "http://127.0.0.1:9",
      };
      const { status, stdout } = spawnSync(process.execPath, [INSTANCE_MAIN], { env, encoding: "utf8" });
      expect(status).to.equal(1);
      expect(stdout).to.match(/"level":60.*cannot start the health monitor: .+/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
