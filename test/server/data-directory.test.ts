import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { readConfig } from "../../server/config.ts";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../server/main.js", import.meta.url));
/** An account that owns nothing. */
const NOBODY = 65_534;

type Ended = { code: number; stderr: string };

/** Starts the program with settings that it refuses. */
function start(env: Record<string, string>, who: { uid?: number } = {}): Promise<Ended> {
  return run(process.execPath, [main], { env, timeout: 20_000, ...who }).then(
    () => ({ code: 0, stderr: "" }),
    (error: Ended) => error,
  );
}

function readErrors(environment: Record<string, string>): string[] {
  const errors = readConfig(environment);
  return Array.isArray(errors) ? errors : [];
}

describe("directory for data", () => {
  it("is not is no directory, or cannot be written: the program ends with code 2", async function () {
    const file = await start({ DATA_DIR: "/dev/null" });
    expect(file.code).to.equal(2);
    expect(file.stderr).to.equal("DATA_DIR must be a directory, and /dev/null is none: DATA_DIR=/dev/null\n");

    const directory = mkdtempSync(join(tmpdir(), "rinha-config-"));
    try {
      chmodSync(directory, 0o555);
      const DATA_DIR = join(directory, "a", "b");
      // Root may write everywhere, so it has somebody else try.
      const { code, stderr } = await start({ DATA_DIR }, process.getuid!() === 0 ? { uid: NOBODY } : {});
      if (/Cannot find module|permission denied, open/.test(stderr)) return this.skip();
      expect(stderr).to.equal(
        `DATA_DIR must be a directory that can be written, and ${directory} cannot (EACCES): DATA_DIR=${DATA_DIR}\n`,
      );
      expect(code).to.equal(2);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("may be missing, with all that leads to it", () => {
    expect(readErrors({ DATA_DIR: join(tmpdir(), "rinha-none", "a", "b") })).to.deep.equal([]);
  });

  it("is not looked at where nothing is kept", () => {
    expect(readErrors({ DATA_DIR: "/dev/null", DURABILITY: "none" })).to.deep.equal([]);
  });
});
