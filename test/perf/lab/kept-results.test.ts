import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { KEPT_BYTES_MAX, keptJson, whyNotKept } from "../../../perf/lab/report/kept-result.ts";
import { describeMachine } from "../../../perf/lab/report/machine.ts";
import type { Result } from "../../../perf/lab/report/result.ts";
import { REPOSITORY_ROOT } from "../../../perf/lab/repository.ts";

const REPORT = fileURLToPath(new URL("../../../perf/lab/report/main.js", import.meta.url));
const NAME = "2026-01-31-1234-sample-01234567.json";

const SAMPLE: Result = {
  kind: "sample",
  title: "a sample",
  startedAt: "2026-01-31T12:34:56.789Z",
  commit: { hash: "0123456789abcdef0123456789abcdef01234567", isDirty: false },
  machine: describeMachine(),
  options: {},
  figures: [{ name: "p99", unit: "ms", better: "lower", rounds: [1, 2] }],
  remarks: [],
  charts: [],
  details: { rounds: "x".repeat(KEPT_BYTES_MAX) },
};

/** `undefined` outside git, as in an archive of the sources. */
function filesInGit(...patterns: string[]): string[] | undefined {
  try {
    const listed = execFileSync("git", ["ls-files", "--", ...patterns], { cwd: REPOSITORY_ROOT, encoding: "utf8" });
    return listed.split("\n").filter((path) => path !== "");
  } catch {
    return undefined;
  }
}

describe("kept results", () => {
  const read = (path: string): string => readFileSync(join(REPOSITORY_ROOT, path), "utf8");

  it("are small, of clean commits, and cited by the documentation", function () {
    const results = filesInGit("perf/results/*.json");
    const docs = filesInGit("README.md", "docs/*.md", "perf/README.md");
    if (results === undefined || docs === undefined) this.skip();
    const text = docs.map(read).join("\n");
    const problems = results.map((path) => whyNotKept(basename(path), read(path), text));
    expect(problems.filter((problem) => problem !== undefined)).to.deep.equal([]);
  });

  it("are no others", () => {
    const kept = keptJson(SAMPLE);
    expect(whyNotKept(NAME, kept, `see ${NAME}`)).to.equal(undefined);
    expect(whyNotKept(NAME, kept, "see elsewhere")).to.contain("must be cited by the documentation");
    expect(whyNotKept(NAME, JSON.stringify(SAMPLE), NAME)).to.contain("must be small");
    expect(whyNotKept("other.json", kept, "other.json")).to.contain("must have the name it was saved under");
    for (const commit of [undefined, { ...SAMPLE.commit!, isDirty: true }]) {
      const json = keptJson({ ...SAMPLE, commit });
      expect(whyNotKept(NAME, json, NAME)).to.contain("must be of a clean commit");
    }
  });

  it("are made small by a command", () => {
    const folder = mkdtempSync(join(tmpdir(), "rinha-kept-"));
    try {
      const path = join(folder, NAME);
      writeFileSync(path, JSON.stringify(SAMPLE, null, 2));
      execFileSync(process.execPath, [REPORT, path, "--keep"]);
      const { details: _, ...rest } = SAMPLE;
      expect(JSON.parse(readFileSync(path, "utf8"))).to.deep.equal(JSON.parse(JSON.stringify(rest)));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
