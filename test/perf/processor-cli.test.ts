import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { readCommandLine } from "../../perf/processor/command-line.ts";
import { startProcessor } from "../../perf/processor/processor.ts";

const mainPath = fileURLToPath(new URL("../../perf/processor/main.js", import.meta.url));

function run(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [mainPath, ...args]);
}

async function outcome(child: ChildProcessWithoutNullStreams) {
  let out = "";
  let err = "";
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (err += data));
  const [code, signal] = await once(child, "close");
  return { code, signal, out, err };
}

describe("processor command line", () => {
  it("knows the port and the fee of either processor by its name", () => {
    const options = (...args: string[]) => {
      const commandLine = readCommandLine(args);
      if (commandLine === "help") throw new Error("help");
      return commandLine.options;
    };
    expect(options()).to.include({ port: 8001, fee: 0.05, host: "127.0.0.1", token: "123" });
    expect(options("--name", "fallback")).to.include({ port: 8002, fee: 0.15 });
    expect(options("--name", "fallback", "--port", "9000", "--fee", "0.05")).to.include({ port: 9000, fee: 0.05 });
    for (const signal of ["charge", "drop"] as const) {
      expect(options("--queued-hang-up", signal).queuedHangUp).to.equal(signal);
    }
  });

  it("listens, answers, and exits with 0 at once on SIGTERM and on SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const child = run("--port", "0", "--fee", "0.01", "--token", "t");
      const ended = outcome(child);
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      expect(line.toString()).to.match(/^processor default listening: url=http:\/\/127\.0\.0\.1:\d+ fee=0\.01\n$/);
      const url = /url=(\S+)/.exec(line.toString())![1]!;
      const answer = await fetch(`${url}/admin/payments-summary`, { headers: { "x-rinha-token": "t" } });
      expect(((await answer.json()) as { feePerTransaction: number }).feePerTransaction).to.equal(0.01);
      const startedMs = performance.now();
      child.kill(signal);
      expect(await ended).to.include({ code: 0, signal: null, err: "" });
      expect(performance.now() - startedMs).to.be.lessThan(1000);
    }
  });

  it("says in one line why it does not start", async () => {
    const other = await startProcessor();
    const cases: [string[], RegExp][] = [
      [["--port", String(other.port)], new RegExp(`^port already in use: port=${other.port}\n$`)],
      [["--port", "70000"], /^port must be a whole number from 0 to 65535: port=70000\n$/],
      [["--fee", "5%"], /^fee must be a decimal from 0 to 1: fee=5%\n$/],
      [["--host", "203.0.113.1", "--port", "0"], /^cannot listen \(EADDRNOTAVAIL\): host=203\.0\.113\.1 port=0\n$/],
      [["--queued-hang-up", "maybe"], /^queued-hang-up must be charge or drop: queued-hang-up=maybe\n$/],
      [["--speed", "9"], /^Unknown option '--speed'/],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => outcome(run(...args))));
    other.close();
    for (const [i, [args, message]] of cases.entries()) {
      expect(outcomes[i]!.code, args.join(" ")).to.equal(1);
      expect(outcomes[i]!.err, args.join(" ")).to.match(message);
    }
  });

  it("explains itself", async () => {
    const { code, out } = await outcome(run("--help"));
    expect(code).to.equal(0);
    expect(out).to.include("--health-window-ms");
  });
});
