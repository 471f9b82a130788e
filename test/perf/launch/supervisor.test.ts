import { expect } from "chai";
import { LineSplitter, LOG_LINE_CHARS_MAX, LOG_TAIL_LINES_MAX, LogTail } from "../../../perf/launch/log-tail.ts";
import {
  type ChildExit,
  type ChildHooks,
  type ChildPlan,
  restartDelayMs,
  SupervisedChild,
} from "../../../perf/launch/supervisor.ts";
import { failure, isAlive, until } from "../../support/processes.ts";

const STAY_UP = "setInterval(() => {}, 1000);";

describe("supervised child", () => {
  let child: SupervisedChild | null = null;

  afterEach(async () => {
    await child?.stop();
    child = null;
  });

  /** A node process running `code`; it counts as ready once it has printed "ready". */
  function supervise(code: string, plan: Partial<ChildPlan> = {}, hooks: ChildHooks = {}): SupervisedChild {
    const supervised: SupervisedChild = new SupervisedChild(
      {
        name: "child",
        command: { file: process.execPath, args: ["-e", code], cwd: process.cwd(), env: process.env },
        stopSignal: "SIGTERM",
        stopTimeoutMs: 5000,
        readyTimeoutMs: 5000,
        prepare() {},
        isReady: () => Promise.resolve(supervised.logTail().includes("ready")),
        ...plan,
      },
      hooks,
    );
    child = supervised;
    return supervised;
  }

  it("is ready when its probe says so, and keeps its last lines", async () => {
    const supervised = supervise(`console.error("one"); console.log("ready"); ${STAY_UP}`);
    const starting = supervised.start();
    expect(supervised.state).to.equal("starting");
    await starting;
    expect(supervised.state).to.equal("running");
    expect(isAlive(supervised.pid)).to.equal(true);
    expect(supervised.logTail()).to.have.members(["one", "ready"]);
  });

  it("reports a child that dies while starting, with its last words", async () => {
    const error = await failure(supervise(`console.error("bad: setting=1"); process.exitCode = 3;`).start());
    expect(error.message).to.match(/child must stay up while starting: name=child code=3 signal=null/);
    expect(error.message).to.contain("bad: setting=1");
    expect(child?.state).to.equal("stopped");
  });

  it("reports a program that does not exist", async () => {
    const command = { file: "/nonexistent/program", args: [], cwd: process.cwd(), env: process.env };
    const error = await failure(supervise("", { command }).start());
    expect(error.message).to.match(/ENOENT: file=\/nonexistent\/program/);
  });

  it("gives up a child that is not ready in time and leaves no process", async () => {
    const pids: number[] = [];
    const onSpawn = (_name: string, pid: number): void => void pids.push(pid);
    const error = await failure(supervise(STAY_UP, { readyTimeoutMs: 300 }, { onSpawn }).start());
    expect(error.message).to.contain("child must be ready in time: name=child readyTimeoutMs=300");
    expect(pids.map(isAlive)).to.deep.equal([false]);
  });

  it("starts it again at once when it dies, and says so", async () => {
    const restarts: [ChildExit, number][] = [];
    const onRestart = (exit: ChildExit, delayMs: number): void => void restarts.push([exit, delayMs]);
    const supervised = supervise(`console.log("ready"); ${STAY_UP}`, {}, { onRestart });
    await supervised.start();
    const firstPid = supervised.pid!;
    process.kill(firstPid, "SIGKILL");
    await until(() => restarts.length === 1);
    await supervised.running();
    expect(supervised.pid).to.not.equal(firstPid);
    const exit = { name: "child", pid: firstPid, code: null, signal: "SIGKILL", isExpected: false };
    expect(restarts).to.deep.equal([[exit, 0]]);
  });

  it("waits longer and longer for one that keeps dying, and stops waiting when told to", async () => {
    const delaysMs: number[] = [];
    const onRestart = (_exit: ChildExit, delayMs: number): void => void delaysMs.push(delayMs);
    // Ready at the probe's first question, dead soon after.
    const supervised = supervise(
      "setTimeout(() => process.exit(1), 50);",
      { isReady: async () => true },
      { onRestart },
    );
    await supervised.start();
    await until(() => delaysMs.length === 4);
    expect(delaysMs).to.deep.equal([0, 100, 200, 400]);
    expect(supervised.state).to.equal("waiting");
    await supervised.stop();
    expect(supervised.state).to.equal("stopped");
    expect(await failure(supervised.running())).to.match(/child must not be stopped/);
  });

  it("tries again when a restarted child does not become ready", async () => {
    let readyCount = 0;
    const exits: ChildExit[] = [];
    const plan = { readyTimeoutMs: 200, isReady: async () => readyCount++ === 0 || exits.length > 1 };
    const supervised = supervise(STAY_UP, plan, { onExit: (exit) => void exits.push(exit) });
    await supervised.start();
    await supervised.kill();
    await supervised.running();
    expect(exits.map(({ signal }) => signal)).to.deep.equal(["SIGKILL", "SIGKILL"]);
  });

  it("stays down when automatic restarts are off, until it is started by hand", async () => {
    const supervised = supervise(`console.log("ready"); ${STAY_UP}`);
    supervised.autoRestart = false;
    await supervised.start();
    expect(await supervised.kill("SIGTERM")).to.deep.equal({ code: null, signal: "SIGTERM" });
    expect([supervised.state, supervised.pid]).to.deep.equal(["stopped", undefined]);
    await supervised.restart();
    expect(isAlive(supervised.pid)).to.equal(true);
  });

  it("ends a child that ignores its stop signal by force", async () => {
    const code = `process.on("SIGTERM", () => console.log("no")); console.log("ready"); ${STAY_UP}`;
    const supervised = supervise(code, { stopTimeoutMs: 200 });
    await supervised.start();
    const pid = supervised.pid;
    await supervised.stop();
    expect(isAlive(pid)).to.equal(false);
    expect(supervised.logTail()).to.contain("no");
  });

  it("lets a suspended child end in order", async () => {
    const exits: ChildExit[] = [];
    const code = `process.on("SIGTERM", () => process.exit(0)); console.log("ready"); ${STAY_UP}`;
    const supervised = supervise(code, {}, { onExit: (exit) => void exits.push(exit) });
    await supervised.start();
    supervised.signal("SIGSTOP");
    await supervised.stop();
    expect(exits[0]).to.include({ code: 0, isExpected: true });
  });

  it("ends the processes that a killed child leaves behind", async () => {
    const code = `const { pid } = require("node:child_process").spawn("sleep", ["60"]);
      console.log(pid); console.log("ready"); ${STAY_UP}`;
    const supervised = supervise(code);
    supervised.autoRestart = false;
    await supervised.start();
    const grandchild = Number(supervised.logTail()[0]);
    expect(isAlive(grandchild)).to.equal(true);
    await supervised.kill("SIGKILL");
    await until(() => !isAlive(grandchild));
  });

  it("restarts at once, then after 100 ms doubling up to 5 s", () => {
    const delaysMs = [1, 2, 3, 4, 7, 8, 1000].map(restartDelayMs);
    expect(delaysMs).to.deep.equal([0, 100, 200, 400, 3200, 5000, 5000]);
  });
});

describe("log tail", () => {
  it("keeps the last lines in order", () => {
    const tail = new LogTail();
    for (let i = 0; i < LOG_TAIL_LINES_MAX + 3; i++) tail.push(`${i}`);
    expect(tail.lines()).to.have.length(LOG_TAIL_LINES_MAX);
    expect([tail.lines()[0], tail.lines().at(-1)]).to.deep.equal(["3", `${LOG_TAIL_LINES_MAX + 2}`]);
  });

  it("puts lines and characters together again that arrive in pieces", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (const byte of Buffer.from("pão\nqueijo\n\nsem fim")) splitter.write(Buffer.from([byte]));
    splitter.end();
    expect(lines).to.deep.equal(["pão", "queijo", "", "sem fim"]);
  });

  it("cuts a line that is too long, however it arrives", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    const chunk = Buffer.alloc(LOG_LINE_CHARS_MAX * 2, "x");
    for (let i = 0; i < 3; i++) splitter.write(chunk);
    splitter.write(Buffer.from("\nnext\n"));
    expect(lines.map(({ length }) => length)).to.deep.equal([LOG_LINE_CHARS_MAX, 4]);
  });
});
