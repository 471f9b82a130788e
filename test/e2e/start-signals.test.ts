import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../perf/launch/plans.ts";
import { answersHealth } from "../../perf/launch/readiness.ts";
import { until } from "./until.ts";

const STEP_MS = 40;
const LAST_MS = 600;
const END_MS_MAX = 1000;
const OWN_MOMENTS_MIN = 3;
/** From the first line of any script to that of the instance's own; then its handlers are there. */
const OWN_LINE_MS = 100;
/** Says on descriptor 3 that Node.js runs scripts from now on. */
const FIRST_LINE = `data:text/javascript,${encodeURIComponent('import fs from "node:fs"; fs.writeSync(3, "x")')}`;
/** Runs the command as the first process of a namespace of its own, as a container does. */
const AS_FIRST = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
const WHY_NO_NAMESPACE = "skipped: this user may not make PID namespaces (unshare --pid --mount-proc)";

type End = {
  code: number | null;
  signal: NodeJS.Signals | null;
  ms: number;
  /** When the signal came, from when the instance's script was there on; negative: before. */
  scriptAgeMs: number;
};

describe("a signal during the start", function () {
  this.timeout(120_000);
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-start-"));
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  function start(prefix: readonly string[]): ChildProcess {
    const [file = "", ...args] = [
      ...prefix,
      process.execPath,
      "--import",
      FIRST_LINE,
      ...INSTANCE_NODE_FLAGS,
      INSTANCE_MAIN,
    ];
    const nowhere = "http://127.0.0.1:9";
    const env = {
      ...process.env,
      INSTANCE: "1",
      LISTEN: `unix:${join(folder, "instance.sock")}`,
      LINKS: `unix:${join(folder, "link-1.sock")},unix:${join(folder, "link-2.sock")}`,
      DATA_DIR: join(folder, "data"),
      LOG_LEVEL: "warn",
      DEFAULT_PROCESSOR_URL: nowhere,
      FALLBACK_PROCESSOR_URL: nowhere,
    };
    const child = spawn(file, args, { env, stdio: ["ignore", "inherit", "inherit", "pipe"] });
    children.push(child);
    return child;
  }

  /** The process itself, which is its starter's child where it is the first of a namespace. */
  async function pidOf(child: ChildProcess, isFirst: boolean): Promise<number> {
    if (!isFirst) return child.pid!;
    let pids = "";
    await until("the first process is there", () => {
      pids = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
      return pids !== "";
    });
    return Number(pids);
  }

  function emptyFolder(): void {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  }

  /** Sends the signal `afterMs` after the process came into being, and waits for its end. */
  async function endOf(isFirst: boolean, signal: NodeJS.Signals, afterMs: number): Promise<End> {
    const child = start(isFirst ? AS_FIRST : []);
    const gone = once(child, "close");
    let firstLineAtMs = Number.POSITIVE_INFINITY;
    (child.stdio[3] as Readable).once("data", () => {
      firstLineAtMs = performance.now();
    });
    const pid = await pidOf(child, isFirst);
    await sleep(afterMs);
    const sentAtMs = performance.now();
    process.kill(pid, signal);
    const lost = setTimeout(() => child.kill("SIGKILL"), 2 * END_MS_MAX);
    await gone;
    clearTimeout(lost);
    if (child.signalCode === "SIGKILL") emptyFolder();
    const ms = performance.now() - sentAtMs;
    return { code: child.exitCode, signal: child.signalCode, ms, scriptAgeMs: sentAtMs - firstLineAtMs - OWN_LINE_MS };
  }

  function expectNothingLeft(what: string): void {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    expect(
      names.filter((name) => /\.(sock|health|new)$/.test(name)),
      what,
    ).to.deep.equal([]);
  }

  async function expectToServe(): Promise<void> {
    const child = start([]);
    const socketPath = join(folder, "instance.sock");
    await until("it serves", () => answersHealth({ socketPath }));
    const gone = once(child, "close");
    child.kill("SIGTERM");
    await gone;
    expect(child.exitCode).to.equal(0);
    expectNothingLeft("after its end");
  }

  /** At every moment; returns how many of them were in the start's own scripts. */
  async function tryAll(isFirst: boolean): Promise<number> {
    let ownCount = 0;
    // On a busy machine Node.js itself may take longer than all of the start otherwise.
    const lastMs = (): number => (ownCount < OWN_MOMENTS_MIN ? 10 * LAST_MS : LAST_MS);
    for (let afterMs = 0; afterMs <= lastMs(); afterMs += STEP_MS) {
      const signal = (afterMs / STEP_MS) % 2 === 0 ? "SIGTERM" : "SIGINT";
      const end = await endOf(isFirst, signal, afterMs);
      const what = `${signal} after ${afterMs} ms: ${JSON.stringify(end)}`;
      if (end.scriptAgeMs >= 0) {
        expect(end.code, what).to.equal(0);
        ownCount++;
      } else if (!isFirst && end.code === null) {
        // Before there are handlers the system itself ends it.
        expect(end.signal, what).to.equal(signal);
      }
      // Before there are handlers the first process of a namespace hears nothing at all.
      if (!isFirst || end.code === 0) expect(end.ms, what).to.be.below(END_MS_MAX);
      if (end.code === 0) expectNothingLeft(what);
    }
    return ownCount;
  }

  it("ends it within a second, at any moment, and leaves nothing that the next start trips over", async () => {
    expect(await tryAll(false)).to.be.at.least(OWN_MOMENTS_MIN);
    await expectToServe();
  });

  it("ends it as the first process of a container too, once Node.js runs scripts at all", async function () {
    if (spawnSync(AS_FIRST[0]!, [...AS_FIRST.slice(1), "true"]).status !== 0) {
      console.log(`      ${WHY_NO_NAMESPACE}`);
      this.skip();
    }
    expect(await tryAll(true)).to.be.at.least(OWN_MOMENTS_MIN);
    await expectToServe();
  });
});
