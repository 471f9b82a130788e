import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureInstance } from "./measured-start.ts";

/** Of a V8 coverage report, which has every script that a thread has loaded but for Node.js' own. */
type Coverage = { readonly result: readonly { readonly url: string }[] };

/** How many files of JavaScript an instance loads, all threads together. */
export async function countLoadedScripts(command: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "rinha-scripts-"));
  try {
    await measureInstance(command, () => undefined, { NODE_V8_COVERAGE: folder });
    const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Coverage);
    return reports.reduce((sum, { result }) => sum + result.filter(({ url }) => url.startsWith("file:")).length, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
