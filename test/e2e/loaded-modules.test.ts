import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { loadedFiles, loadedModules } from "./loaded-modules.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { until } from "./until.ts";

/** What only a store in a database, shared health polls, or traces need. */
const OPTIONAL =
  /node_modules\/(?:pg|pg-[\w-]+|redis|@redis|@opentelemetry|@grpc|protobufjs)\/|server\/(?:lease|postgres)\//;

describe("an instance with journals", function () {
  this.timeout(30_000);

  it("loads no client of a database, of Redis, or of a collector, in no part of its bundle", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rinha-modules-"));
    try {
      const coverage = join(folder, "coverage");
      const links = [1, 2].map((number) => join(folder, `link-${number}.sock`));
      const { child } = await startLoneInstance(folder, "ignore", {
        NODE_V8_COVERAGE: coverage,
        INSTANCE: "1",
        LINKS: links.map((path) => `unix:${path}`).join(","),
      });
      // The thread starts after the instance serves, and is not waited for at the end.
      await until("the health monitor's thread listens", () => existsSync(`${links[0]}.health`));
      child.kill("SIGTERM");
      await once(child, "exit");
      const files = loadedFiles(coverage);
      const isLoaded = (end: string): boolean => files.some((file) => file.endsWith(end));
      expect(isLoaded("/bundle/server/main.js"), "the report has what was loaded").to.equal(true);
      expect(isLoaded("/server-worker.part.js"), "of every thread").to.equal(true);
      const modules = loadedModules(coverage);
      expect(modules.some((name) => name.endsWith("/core/engine.ts"))).to.equal(true);
      expect(modules.filter((name) => OPTIONAL.test(name))).to.deep.equal([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
