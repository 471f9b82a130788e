import { type ChildProcess, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { amountOf, newPayment } from "./payments.ts";
import { cpuMs, openFileCount } from "./process-resources.ts";
import { RawConnection } from "./raw-connection.ts";
import { type Scraped, scrape, sumOf } from "./scrape.ts";
import { countOf, summaryOf } from "./summaries.ts";
import { until } from "./until.ts";

const LIMIT = 96;
const HELD = 300;
const WATCHED_MS = 3000;
/** A loop without a pause would take all of the time watched, or half of it on a busy machine. */
const CPU_MS_MAX = 600;
const PAYMENTS_EACH = 150;
const WITH_LIMIT = ["prlimit", `--nofile=${LIMIT}`];

describe("an instance that has few file descriptors", function () {
  this.timeout(60_000);
  let folder: string;
  let processor: RunningProcessor;
  let child: ChildProcess;
  let caller: Caller;
  let held: RawConnection[];
  const lines: Record<string, unknown>[] = [];

  before(async function () {
    if (spawnSync(WITH_LIMIT[0]!, [...WITH_LIMIT.slice(1), "true"]).status !== 0) {
      console.log("      skipped: there is no prlimit");
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "rinha-files-"));
    processor = await startProcessor({ fee: 0.05 });
    const env = { DEFAULT_PROCESSOR_URL: processor.url, PARTITIONS: "1", SEGMENT_BYTES: "65536", LOG_LEVEL: "warn" };
    const started = await startLoneInstance(folder, "pipe", env, WITH_LIMIT);
    child = started.child;
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.trim().split("\n")) lines.push(JSON.parse(line) as Record<string, unknown>);
    });
    caller = new Caller({ socketPath: started.socketPath }, 0);
    held = Array.from({ length: HELD }, () => new RawConnection({ socketPath: started.socketPath }));
  });

  after(async () => {
    for (const connection of held ?? []) connection.close();
    caller?.close();
    processor?.close();
    if (child?.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    if (folder) rmSync(folder, { recursive: true });
  });

  const open = (): RawConnection[] => held.filter(({ isClosed }) => !isClosed);

  it("rests while more clients hold connections than there are descriptors for", async () => {
    await until("the rest has been sent away", () => open().length < LIMIT);
    const before = cpuMs(child.pid!);
    await sleep(WATCHED_MS);
    expect(cpuMs(child.pid!) - before).to.be.below(CPU_MS_MAX);
    expect(open().length).to.be.within(8, LIMIT);
    expect(openFileCount(child.pid!)).to.be.below(LIMIT - 8);
  });

  it("has some left for the processors and for its journal's next segments", async () => {
    const segments = (): number =>
      readdirSync(join(folder, "data", "partition-1")).filter((n) => /journal$/.test(n)).length;
    const before = segments();
    processor.settings.delayMs = 20;
    const connections = open().slice(0, 8);
    for (let round = 0; round < PAYMENTS_EACH; round++) {
      for (const connection of connections) connection.dropReceived();
      await Promise.all(connections.map((connection) => connection.send(paymentRequest())));
      const answers = await Promise.all(connections.map((connection) => connection.answers(1)));
      expect(answers.map(([answer]) => answer!.status)).to.deep.equal(connections.map(() => 202));
    }
    expect(segments()).to.be.above(before);
    await until("all are charged", () => processor.charges.count === PAYMENTS_EACH * connections.length);
  });

  it("serves others as soon as some of them have gone, and says all this once", async () => {
    for (const connection of held) connection.close();
    await until(
      "somebody new is served",
      async () => (await caller.get("/health").catch(() => undefined))?.status === 200,
    );
    expect(countOf(await summaryOf(caller))).to.equal(processor.charges.count);
    await until("it has said so", () => lines.some(({ msg }) => msg === "connections are accepted again"));
    const said = lines.filter(({ msg }) => /connections|open files/.test(String(msg)));
    expect(said.map(({ msg }) => msg)).to.deep.equal([
      "few open files are allowed (ulimit -n)",
      "connections are refused: too many are open",
      "connections are accepted again",
    ]);
    const scraped: Scraped[] = [await scrape(caller)];
    const clients = { callers: "clients" };
    expect(sumOf(scraped, "rinha_connections_refused_total", clients)).to.be.within(HELD - LIMIT, HELD);
    expect(sumOf(scraped, "rinha_connections_max", clients)).to.equal(said[1]!["max"]);
    expect(sumOf(scraped, "rinha_connections", clients)).to.be.within(1, 3);
  });
});

function paymentRequest(): string {
  const payment = newPayment();
  const body = `{"correlationId":"${payment.correlationId}","amount":${amountOf(payment)}}`;
  return `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
