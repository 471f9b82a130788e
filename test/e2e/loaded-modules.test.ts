import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { startLoneInstance } from "./lone-instance.ts";

/** What only a store in a database, shared health polls, or traces need. */
const OPTIONAL =
  /node_modules\/(?:pg|pg-[\w-]+|redis|@redis|@opentelemetry|@grpc|protobufjs)\/|server\/(?:lease|postgres)\//;

/** Of a V8 coverage report, which has every script that a thread has loaded. */
type Coverage = { result: { url: string }[] };

/** What the file was made of; a file without a map is itself. */
function modulesOf(file: string): string[] {
  if (!existsSync(`${file}.map`)) return [file];
  return (JSON.parse(readFileSync(`${file}.map`, "utf8")) as { sources: string[] }).sources;
}

describe("an instance with journals", function () {
  this.timeout(30_000);

  it("loads no client of a database, of Redis, or of a collector, in no part of its bundle", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rinha-modules-"));
    try {
      const coverage = join(folder, "coverage");
      const { child } = await startLoneInstance(folder, "ignore", { NODE_V8_COVERAGE: coverage });
      child.kill("SIGTERM");
      await once(child, "exit");
      const reports = readdirSync(coverage).map(
        (name) => JSON.parse(readFileSync(join(coverage, name), "utf8")) as Coverage,
      );
      const urls = reports.flatMap(({ result }) => result.map(({ url }) => url));
      expect(
        urls.some((url) => url.endsWith("/bundle/server/main.js")),
        "the report has what was loaded",
      ).to.equal(true);
      expect(
        urls.some((url) => url.endsWith("/server-worker.part.js")),
        "of every thread",
      ).to.equal(true);
      const files = urls.filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url));
      const modules = files.flatMap(modulesOf);
      expect(modules.some((name) => name.endsWith("/core/engine.ts"))).to.equal(true);
      expect(modules.filter((name) => OPTIONAL.test(name))).to.deep.equal([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
