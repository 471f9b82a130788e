import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { compareResults, comparisonText, verdict } from "../../../perf/lab/report/comparison.ts";
import { figure, median, spread } from "../../../perf/lab/report/figure.ts";
import { finish } from "../../../perf/lab/report/finish.ts";
import { describeMachine } from "../../../perf/lab/report/machine.ts";
import { numberText } from "../../../perf/lab/report/number-text.ts";
import { RESULTS_DIR, readOutDir } from "../../../perf/lab/report/output-options.ts";
import type { Result } from "../../../perf/lab/report/result.ts";
import { resultName } from "../../../perf/lab/report/result-name.ts";
import { expectPageDraws, readSaved } from "./saved-run.ts";

const program = (name: string): string =>
  fileURLToPath(new URL(`../../../perf/lab/report/${name}.js`, import.meta.url));
const run = promisify(execFile);

/** Everything that a page must not take for markup. */
const HOSTILE = `</script><script>throw new Error("run")</script><img src=x onerror="throw 1"> & 'quotes' \u2028`;

function sample(changes: Partial<Result> = {}): Result {
  return {
    kind: "sample",
    title: `a sample ${HOSTILE}`,
    startedAt: "2026-01-31T12:34:56.789Z",
    commit: { hash: "0123456789abcdef0123456789abcdef01234567", isDirty: true },
    machine: describeMachine(),
    options: { hostile: HOSTILE },
    figures: [figure("p99", "ms", "lower", [3, 1, 2]), figure("score", "", "higher", [380_035.25])],
    remarks: [HOSTILE],
    charts: [
      {
        title: "linear, with a gap and stages",
        x: { label: "s", scale: "linear" },
        y: { label: "payments/s", scale: "linear" },
        bands: [
          { from: 0, to: 4, label: HOSTILE },
          { from: 4, to: 9, label: "slow" },
        ],
        series: [
          { label: HOSTILE, points: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((x) => [x, x === 5 ? null : x * x] as const) },
          { label: "at other places", points: [0.5, 3.5, 7.5].map((x) => [x, 40 - x] as const) },
        ],
      },
      {
        title: "percentiles",
        x: { label: "percentile", scale: "percentile" },
        y: { label: "ms", scale: "log" },
        series: [{ label: "all", points: [0, 50, 90, 99, 99.9, 99.99].map((x, i) => [x, 0.1 * 3 ** i] as const) }],
      },
      {
        title: "both logarithmic, zero left out",
        x: { label: "payments", scale: "log" },
        y: { label: "ns", scale: "log" },
        series: [{ label: "accept", points: [10, 1000, 100_000].map((x) => [x, x === 1000 ? 0 : x] as const) }],
      },
    ],
    details: { sum: 2n ** 40n },
    ...changes,
  };
}

describe("performance lab", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-lab-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("takes the middle of the rounds, and refuses none and nonsense", () => {
    expect(median([5, 1, 3])).to.equal(3);
    expect(median([4, 1, 3, 2])).to.equal(2.5);
    expect(spread([5, 1, 3])).to.deep.equal({ min: 1, max: 5 });
    expect(() => figure("p99", "ms", "lower", [])).to.throw("a figure must have rounds: figure=p99");
    expect(() => figure("p99", "ms", "lower", [1, Number.NaN])).to.throw("must be finite: figure=p99 value=NaN");
  });

  it("writes numbers for people", () => {
    const texts = [0, 1.23456, 12.3456, 999.96, 1234.5, 380_035.25, 0.000123456, -1500].map(numberText);
    expect(texts).to.deep.equal(["0", "1.235", "12.35", "1000", "1 235", "380 035", "0.0001235", "-1 500"]);
  });

  it("saves a result under the time, the command and the commit, and never over another", async () => {
    const result = sample();
    const name = "2026-01-31-1234-sample-01234567-dirty";
    expect(resultName(result)).to.equal(name);
    expect(resultName(sample({ commit: undefined }))).to.equal("2026-01-31-1234-sample");
    await finish(result, { outDir: folder, print: "nothing" });
    await finish(sample({ kind: "sample" }), { outDir: folder, print: "nothing" });
    for (const saved of [name, `${name}-2`]) {
      const read = JSON.parse(readFileSync(join(folder, `${saved}.json`), "utf8")) as Result;
      expect(read.figures).to.deep.equal(result.figures);
      expect(read.details).to.deep.equal({ sum: 2 ** 40 });
      expect(readFileSync(join(folder, `${saved}.html`), "utf8")).to.contain("<!doctype html>");
    }
  });

  it("saves in perf/results unless told otherwise", () => {
    expect(readOutDir({})).to.equal(RESULTS_DIR);
    expect(readOutDir({ out: "/tmp/x" })).to.equal("/tmp/x");
    expect(readOutDir({ "no-save": true })).to.equal(undefined);
    expect(() => readOutDir({ "no-save": true, out: "x" })).to.throw("out must come without --no-save: out=x");
  });

  it("draws every scale in a browser, and takes nothing in the result for markup", async function () {
    await finish(sample(), { outDir: folder, print: "nothing" });
    const path = join(folder, "2026-01-31-1234-sample-01234567-dirty");
    const saved = readSaved(folder, `p99 score ${path}.json`);
    await expectPageDraws(saved, () => this.skip());
  });

  it("makes the page of a saved result again", async () => {
    await finish(sample(), { outDir: folder, print: "nothing" });
    const path = join(folder, "2026-01-31-1234-sample-01234567-dirty");
    const page = join(folder, "again.html");
    await run(process.execPath, [program("main"), join(folder, "2026-01-31"), "--out", page]);
    expect(readFileSync(page, "utf8")).to.equal(readFileSync(`${path}.html`, "utf8"));
  });

  it("tells of a difference only beyond the spread of the rounds", () => {
    const of = (better: "lower" | "higher", ...rounds: number[]) => figure("p99", "ms", better, rounds);
    expect(verdict(of("lower", 1, 2, 3), of("lower", 4, 5, 6))).to.equal("worse");
    expect(verdict(of("higher", 1, 2, 3), of("higher", 4, 5, 6))).to.equal("better");
    expect(verdict(of("lower", 4, 5, 6), of("lower", 1, 2, 3))).to.equal("better");
    expect(verdict(of("lower", 1, 2, 4), of("lower", 4, 5, 6))).to.equal("within the spread");
    expect(verdict(of("lower", 1), of("lower", 4, 5))).to.equal("one round");
    expect(verdict(of("lower", 1, 2, 3), of("lower", 2))).to.equal("equal");
  });

  it("sets two results side by side", async () => {
    const other = sample({
      startedAt: "2026-02-01T09:00:00.000Z",
      figures: [figure("p99", "ms", "lower", [8, 7, 9]), figure("lag", "", "lower", [0])],
      options: {},
    });
    await finish(sample(), { outDir: folder, print: "nothing" });
    await finish(other, { outDir: folder, print: "nothing" });
    const { stdout } = await run(process.execPath, [
      program("compare-main"),
      join(folder, "2026-01-31"),
      join(folder, "2026-02-01"),
    ]);
    expect(stdout).to.match(/^p99 +2 +1–3 +8 +7–9 +ms +4\.000 +worse$/m);
    expect(stdout).to.contain("only in A: score").and.to.contain("only in B: lag");
    expect(stdout).to.contain("commit 01234567-dirty").and.to.contain("NOT THE SAME OPTIONS");
    expect(stdout).to.not.contain("NOT THE SAME MACHINE");
  });

  it("sets two results side by side for programs, and their ratios alone", async () => {
    const ratio = (value: number) => figure("ours ÷ floor", "ratio", "lower", [value, value + 1]);
    await finish(sample({ figures: [figure("p99", "ms", "lower", [1]), ratio(1)] }), {
      outDir: folder,
      print: "nothing",
    });
    const later = sample({ startedAt: "2026-02-01T09:00:00.000Z", figures: [ratio(4)] });
    await finish(later, { outDir: folder, print: "nothing" });
    const names = ["2026-01-31", "2026-02-01"].map((name) => join(folder, name));
    const { stdout, stderr } = await run(process.execPath, [program("compare-main"), ...names, "--ratios", "--json"]);
    const { figures, onlyInA, a, b } = JSON.parse(stdout) as Record<string, unknown>;
    expect(stderr).to.equal("");
    expect(figures).to.deep.equal([
      {
        ...{ name: "ours ÷ floor", unit: "ratio", a: 1.5, aRounds: [1, 2], b: 4.5, bRounds: [4, 5] },
        ...{ ratio: 3, verdict: "worse" },
      },
    ]);
    expect(onlyInA).to.deep.equal([]);
    expect([a, b].map((result) => (result as Result).startedAt.slice(0, 10))).to.deep.equal([
      "2026-01-31",
      "2026-02-01",
    ]);
  });

  it("says what cannot be compared", async () => {
    expect(() => compareResults(sample(), sample({ kind: "other" }))).to.throw(
      "results must be of one kind: a=sample b=other",
    );
    const machine = { ...describeMachine(), cpuCount: 1000 };
    expect(comparisonText(compareResults(sample(), sample({ machine })))).to.contain(
      "NOT THE SAME MACHINE: cpuCount differ",
    );
    const stray = join(folder, "stray.json");
    writeFileSync(stray, "{}");
    const wrong: [string[], string][] = [
      [[stray, stray], "result must be what a perf command has saved"],
      [[join(folder, "none"), stray], "result must be a file or the beginning of one's name"],
      [[stray], "two results must be named: count=1"],
    ];
    for (const [args, message] of wrong) {
      const failure = await run(process.execPath, [program("compare-main"), ...args]).catch((error: unknown) => error);
      expect((failure as { stderr: string }).stderr).to.contain(message);
    }
  });
});
