import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { perRole } from "../../../perf/audit/totals.ts";
import { readArguments } from "../../../perf/command/command-line.ts";
import { CONTEST_COMMAND } from "../../../perf/lab/contest/command-line.ts";
import type { Environment } from "../../../perf/lab/contest/environment.ts";
import type { Measurement } from "../../../perf/lab/contest/measurement.ts";
import type { ContestRound } from "../../../perf/lab/contest/round.ts";
import { CONTEST_STAGES } from "../../../perf/lab/contest/stages.ts";
import { freePorts } from "../../../perf/launch/ports.ts";
import { startTopology } from "../../../perf/launch/topology.ts";
import { until } from "../../support/processes.ts";
import { expectPageDraws, medianOf, readSaved } from "./saved-run.ts";

const MAIN = fileURLToPath(new URL("../../../perf/lab/contest/main.js", import.meta.url));

type Result = Measurement & Environment;

async function healthCallCount(processorUrl: string): Promise<number> {
  const answer = await fetch(`${processorUrl}/admin/health-calls`, { headers: { "x-rinha-token": "123" } });
  return ((await answer.json()) as { count: number }).count;
}

function leftoverGroups(pid: number): string[] {
  try {
    return readdirSync("/sys/fs/cgroup/cpu").filter((name) => name.startsWith(`rinha-lab-${pid}-`));
  } catch {
    return [];
  }
}

/** Then the load is under way. */
async function hasProcessed(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/payments-summary`).catch(() => undefined);
  if (answer?.status !== 200) return false;
  const { default: ofDefault } = (await answer.json()) as { default: { totalRequests: number } };
  return ofDefault.totalRequests > 0;
}

describe("contest", () => {
  let folder: string;
  let child: ChildProcess | null = null;
  let output = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-contest-test-"));
  });

  afterEach(async () => {
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  });

  function start(...args: string[]): ChildProcess {
    output = "";
    const env = { ...process.env, LOG_LEVEL: "" };
    child = spawn(process.execPath, [MAIN, ...args], { env });
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk));
    child.stderr?.on("data", (chunk: Buffer) => (output += chunk));
    return child;
  }

  async function measure(...args: string[]): Promise<Result> {
    const jsonPath = join(folder, "result.json");
    const exit = await once(start("--measured", jsonPath, "--no-save", ...args), "close");
    expect(exit, output).to.deep.equal([0, null]);
    return JSON.parse(readFileSync(jsonPath, "utf8")) as Result;
  }

  for (const profile of ["contest", "default"]) {
    it(`finds the ${profile} profile exact and without lag`, async () => {
      const result = await measure("--duration", "10", "--users", "40", "--drain", "20", "--profile", profile);
      const { acceptedCount, score, audits, afterwards, failures, final, processes } = result;
      expect(failures).to.deep.equal({});
      // Between what forty users send to a service that answers at once, and to a very slow one.
      expect(acceptedCount).to.be.within(180, 222);
      expect(audits).to.have.length(6);
      expect(result.auditDifferenceCount, output).to.equal(0);
      expect(final.differenceCount).to.equal(0);
      expect(score.lagCount, output).to.equal(0);
      if (typeof afterwards === "string") throw new Error(afterwards);
      expect(afterwards.agrees).to.equal(true);
      expect(score.processedAmount).to.be.closeTo(acceptedCount * 19.9, 1e-6);
      expect(score.feeAmount).to.be.greaterThan(0);
      expect(result.all.count).to.be.greaterThan(result.payments.count);
      expect(result.lateness.count).to.equal(acceptedCount);
      expect(processes.map(({ name }) => name)).to.include.members(["nginx", "instance-1", "instance-2"]);
      for (const { name, rssPeakBytes } of processes) expect(rssPeakBytes, name).to.be.greaterThan(1024 * 1024);
      expect(leftoverGroups(child!.pid!)).to.deep.equal([]);
      for (const word of ["p99.9", "generator's lateness", "score", "lag 0", "afterwards all"]) {
        expect(output).to.contain(word);
      }
    });
  }

  it("measures a service that runs elsewhere, with stages from a file", async () => {
    const topology = await startTopology({ port: 0, processorPorts: { default: 0, fallback: 0 } });
    try {
      const stages = join(folder, "stages.json");
      const healthy = { delayMs: 0, failing: false };
      writeFileSync(
        stages,
        JSON.stringify([{ atSeconds: 0, default: healthy, fallback: { delayMs: 7, failing: true } }]),
      );
      const { default: defaultUrl, fallback } = perRole(topology.processorUrls);
      const target = ["--target", topology.url, "--default", defaultUrl, "--fallback", fallback];
      const result = await measure(...target, "--stages", stages, "--duration", "2", "--users", "5");
      expect(result.options.stages).to.have.length(1);
      expect(result.acceptedCount).to.be.within(5, 8);
      expect(result.score.lagCount).to.equal(0);
      expect(result.fees).to.deep.equal({ default: 0.05, fallback: 0.15 });
      expect(result.processes).to.deep.equal([]);
      // Two purges, four settings and two fees of the processors, two audits and the last summaries at three calls
      // each: no sample.
      expect(result.all.count - result.payments.count).to.equal(2 + 4 + 2 + 3 * 3);
      const chargedCounts = result.samples.map(({ chargedCount }) => chargedCount?.default ?? -1);
      expect(chargedCounts, "never fewer").to.deep.equal(chargedCounts.toSorted((a, b) => a - b));
      expect(chargedCounts).to.have.length(2);
      expect(chargedCounts.at(-1)).to.be.within(2, result.acceptedCount);
      // Polls of the instances in some ten seconds; samples are no health calls.
      expect(await healthCallCount(defaultUrl)).to.be.at.most(3);
    } finally {
      await topology.stop();
    }
  });

  it("sets the service beside the floor, round by round, and shows it on a page", async function () {
    const args = ["--duration", "3", "--users", "30", "--rounds", "2", "--floor", "--out", folder];
    expect(await once(start(...args), "close"), output).to.deep.equal([0, null]);
    const run = readSaved(folder, output);
    const { result } = run;
    for (const { name, rounds } of result.figures) expect(rounds, name).to.have.length(2);
    const rounds = (name: string) => result.figures.find((figure) => figure.name === name)!.rounds;
    for (const name of ["floor", "fair floor"]) {
      const ratios = rounds("p99").map((p99Ms, i) => p99Ms / rounds(`p99 of the ${name}`)[i]!);
      expect(rounds(`p99, ours ÷ ${name}`)).to.deep.equal(ratios);
    }
    expect(medianOf(result, "audit differences")).to.equal(0);
    expect(medianOf(result, "accepted")).to.be.within(45, 90);
    const { floor, "fair floor": fairFloor } = result.details as Record<"floor" | "fair floor", ContestRound[]>;
    for (const { measured } of [...floor, ...fairFloor]) {
      expect(measured.failures).to.deep.equal({});
      expect(measured.acceptedCount).to.be.within(45, 90);
    }
    const senders = fairFloor.map(({ environment }) =>
      environment.processes.find(({ name }) => name.endsWith("sender")),
    );
    for (const sender of senders) expect(sender!.cpuSeconds).to.be.greaterThan(0);
    expect(result.charts[0]!.series.map(({ label }) => label)).to.include.members([
      "all requests to the floor",
      "all requests to the fair floor",
    ]);
    expect(result.charts.map(({ bands }) => bands?.length ?? 0)).to.deep.equal([0, 6, 6, 6, 6, 6]);
    expect(leftoverGroups(child!.pid!)).to.deep.equal([]);
    await expectPageDraws(run, () => this.skip());
  });

  it("ends everything it has started when it is called off", async () => {
    const [port] = await freePorts(1);
    const running = start("--duration", "60", "--users", "10", "--port", `${port}`);
    await until(async () => running.exitCode !== null || (await hasProcessed(port!)));
    running.kill("SIGINT");
    expect(await once(running, "close")).to.deep.equal([1, null]);
    expect(output).to.contain("called off: signal=SIGINT\n");
    expect(leftoverGroups(running.pid!)).to.deep.equal([]);
  });

  it("says in one line why it cannot measure", async () => {
    const processors = ["--default", "http://127.0.0.1:1", "--fallback", "http://127.0.0.1:1"];
    expect(await once(start("--target", "http://127.0.0.1:1", ...processors), "close")).to.deep.equal([1, null]);
    const facts = "url=http://127.0.0.1:1/admin/purge-payments reason=ECONNREFUSED";
    expect(output).to.equal(`server must answer: ${facts} (start it, or say where it is)\n`);
  });

  it("explains itself", async () => {
    expect(await once(start("--help"), "close")).to.deep.equal([0, null]);
    for (const option of ["--users", "--duration", "--stages", "--target", "--profile", "--no-limits", "--drain"]) {
      expect(output).to.contain(option);
    }
  });
});

describe("contest command line", () => {
  const read = (...args: string[]) => {
    const commandLine = readArguments(CONTEST_COMMAND, args);
    if (commandLine === "help") throw new Error("help");
    return commandLine;
  };

  it("is the final where that is asked for: with its users, stages, amount, fees, audits and books", () => {
    const { contest, target } = read("--script", "final");
    const { stages, ...rest } = contest;
    expect(rest).to.deep.include({ script: "final", amountCents: 2005, auditToMs: 2000, countedBy: "processors" });
    expect(rest.load).to.deep.equal({ userCount: 603, durationMs: 300_000, sleepMs: 1000 });
    expect(
      stages.map(({ atMs, default: of, fallback }) => [atMs / 1000, of.delayMs, of.failing, fallback.delayMs]),
    ).to.deep.equal([
      ...[
        [0, 0, false, 0],
        [30, 1000, false, 0],
        [60, 500, false, 0],
        [90, 2000, true, 1000],
        [120, 5000, true, 5],
      ],
      ...[
        [150, 0, false, 5],
        [180, 100, false, 5],
        [210, 50, false, 0],
        [240, 103, false, 10],
        [270, 2000, false, 0],
      ],
    ]);
    expect(target).to.deep.include({ fees: { default: 0.07, fallback: 0.1 } });
    expect(() => read("--script", "other")).to.throw("script must be preview or final: script=other");
  });

  it("is the contest unless told otherwise", () => {
    const { contest, target } = read();
    expect(contest).to.deep.equal({
      script: "preview",
      amountCents: 1990,
      auditToMs: 1500,
      countedBy: "service",
      load: { userCount: 550, durationMs: 60_000, sleepMs: 1000 },
      stages: CONTEST_STAGES,
      timeoutMs: 1500,
      auditIntervalMs: 10_000,
      drainMs: 0,
      fees: undefined,
    });
    const mebibyte = 1024 * 1024;
    expect(target).to.deep.equal({
      profile: "contest",
      port: 0,
      fees: { default: 0.05, fallback: 0.15 },
      limits: {
        nginx: { cpus: 0.3, memoryBytes: 50 * mebibyte },
        instance: { cpus: 0.6, memoryBytes: 150 * mebibyte },
      },
      logLevel: process.env["LOG_LEVEL"] || undefined,
    });
  });

  it("takes the fees of the architecture's document as well", () => {
    const { contest, target } = read("--default-fee", "0.01", "--no-limits");
    expect(contest.fees).to.deep.equal({ default: 0.01, fallback: 0.15 });
    expect(target).to.deep.include({ fees: contest.fees, limits: undefined });
  });

  it("tells what is wrong", () => {
    const wrong: [string[], string][] = [
      [["--users", "0"], "users must be a whole number from 1 to 100000: users=0"],
      [["--duration", "1.5"], "duration must be a whole number from 1 to 86400: duration=1.5"],
      [["--profile", "fast"], "profile must be contest or default: profile=fast"],
      [["--default-fee", "5"], "default-fee must be a decimal from 0 to 1: default-fee=5"],
      [["--default", "http://a"], "default must come with --target: default=http://a"],
      [["--target", "ftp://a"], "target must be an http URL: target=ftp://a"],
      [["--target", "http://a", "--port", "1"], "port must come without --target: port=1"],
      [["--target", "http://a", "--floor"], "floor must come without --target: floor=true"],
      [["--rounds", "0"], "rounds must be a whole number from 1 to 1000: rounds=0"],
    ];
    for (const [args, message] of wrong) expect(() => read(...args)).to.throw(message);
    expect(() => read("--usres", "1")).to.throw("--usres");
  });
});
