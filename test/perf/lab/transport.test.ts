import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { WAYS } from "../../../perf/lab/transport/ways.ts";
import { expectPageDraws, medianOf, runAndRead } from "./saved-run.ts";

describe("cost of sending to processors", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-transport-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is measured over plain sockets, over undici and over undici with TLS", async function () {
    const options = ["--rounds", "1", "--requests", "1000", "--connections", "4"];
    const run = await runAndRead(folder, "transport/main.js", ...options);
    for (const way of WAYS) expect(medianOf(run.result, `${way}, CPU each`)).to.be.within(5, 10_000);
    // So few requests are half of them cold code: only that there are figures.
    for (const name of ["undici ÷ plain sockets", "undici, TLS ÷ undici"])
      expect(medianOf(run.result, name)).to.be.within(0.05, 200);
    await expectPageDraws(run, () => this.skip());
  });
});
