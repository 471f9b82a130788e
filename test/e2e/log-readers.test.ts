import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, type Payment, payMany } from "./payments.ts";
import { metricValue } from "./prometheus-text.ts";
import { scrape } from "./scrape.ts";
import { until } from "./until.ts";

const DROPPED = "rinha_log_lines_dropped_total";
/** Of user and system time in /proc/<pid>/stat. */
const TICK_MS = 10;

/** A log shipper that reads a FIFO until it is killed. */
class Shipper {
  text = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(path: string) {
    this.#child = spawn("cat", [path], { stdio: ["ignore", "pipe", "ignore"] });
    this.#ended = once(this.#child, "close");
    this.#child.stdout!.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
    });
  }

  /** Every line must be whole. */
  get lines(): { msg: string; count?: number; correlationId?: string }[] {
    return this.text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

describe("a log whose reader goes away", () => {
  let directory: string;
  let child: ChildProcess | undefined;
  let caller: Caller;
  const shippers: Shipper[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "rinha-log-"));
  });

  afterEach(async () => {
    caller?.close();
    for (const shipper of shippers.splice(0)) await shipper.kill();
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(stdout: "pipe" | number): Promise<ChildProcess> {
    const started = await startLoneInstance(directory, stdout, { LOG_LEVEL: "debug" });
    child = started.child;
    caller = new Caller({ socketPath: started.socketPath });
    return child;
  }

  /** An instance that writes to a FIFO, and the first reader of that. */
  async function startWithShipper(): Promise<{ path: string; shipper: Shipper }> {
    const path = join(directory, "log");
    execFileSync("mkfifo", [path]);
    const shipper = ship(path);
    // Waits for the reader.
    const writable = openSync(path, constants.O_WRONLY);
    await start(writable);
    closeSync(writable);
    return { path, shipper };
  }

  function ship(path: string): Shipper {
    const shipper = new Shipper(path);
    shippers.push(shipper);
    return shipper;
  }

  async function payNew(count: number): Promise<Payment[]> {
    const payments = Array.from({ length: count }, () => newPayment());
    await payMany(caller, payments);
    return payments;
  }

  function idsIn(shipper: Shipper): Set<string> {
    return new Set(shipper.lines.flatMap(({ correlationId }) => correlationId ?? []));
  }

  async function untilShipped(shipper: Shipper, payments: readonly Payment[]): Promise<void> {
    await until("the payments' lines are shipped", () => {
      const ids = idsIn(shipper);
      return payments.every(({ correlationId }) => ids.has(correlationId));
    });
  }

  async function droppedCount(): Promise<number> {
    return metricValue(await scrape(caller), DROPPED);
  }

  it("goes on at the next one, with the lines written in between", async () => {
    const { path, shipper } = await startWithShipper();
    await untilShipped(shipper, await payNew(20));
    await shipper.kill();
    const between = await payNew(20);
    await sleep(500);
    const next = ship(path);
    await untilShipped(next, between);
    await untilShipped(next, await payNew(20));
    expect(await droppedCount()).to.equal(0);
  });

  it("tells the next one how many lines found no room in between, and counts them", async () => {
    const { path, shipper } = await startWithShipper();
    await untilShipped(shipper, await payNew(1));
    await shipper.kill();
    while ((await droppedCount()) < 1000) await payNew(200);
    const next = ship(path);
    const told = () => next.lines.filter(({ msg }) => msg.startsWith("log lines were dropped"));
    await until("the loss is told", () => told().length > 0);
    await untilShipped(next, await payNew(20));
    const toldCount = told().reduce((sum, { count }) => sum + count!, 0);
    expect(toldCount).to.equal(await droppedCount());
  });

  for (const kind of ["pipe", "socket"] as const) {
    it(`costs lines and nothing else when it is closed for good (${kind})`, async () => {
      if (kind === "pipe") await startWithShipper();
      else await start("pipe");
      const running = child!;
      running.stdout?.destroy();
      for (const shipper of shippers) await shipper.kill();
      while ((await droppedCount()) < 1000) await payNew(200);

      const beforeMs = cpuMs(running.pid!);
      await sleep(1000);
      expect(cpuMs(running.pid!) - beforeMs, "milliseconds of CPU in a second").to.be.below(300);

      running.kill("SIGTERM");
      const beganAtMs = performance.now();
      expect(await once(running, "exit")).to.deep.equal([0, null]);
      expect(performance.now() - beganAtMs).to.be.below(5000);
    });
  }
});

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
