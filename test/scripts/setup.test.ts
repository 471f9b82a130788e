import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";

/** A checkout in which everything that setup.mjs runs only says its name. */
function makeCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), "rinha-setup-"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  mkdirSync(join(root, "scripts"));
  for (const name of ["setup.mjs", "checkout.cjs"])
    cpSync(join(REPOSITORY_ROOT, "scripts", name), join(root, "scripts", name));
  write("package.json", '{"engines": {"node": ">=20.19 <25"}}');
  for (const path of ["package-lock.json", "node_modules/.package-lock.json"]) write(path, '{"packages": {}}');
  for (const path of ["tsconfig.json", "server/page/tsconfig.json", "docs/openapi.yaml"]) write(path, "");
  write("node_modules/uWebSockets.js/index.js", "");
  write("node_modules/typescript/bin/tsc", 'console.log("tsc")');
  for (const name of ["bundle.mjs", "openapi.mjs"]) write(`scripts/${name}`, `console.log("${name}")`);
  for (const name of ["keep-code.mjs", "keep-code-at-exit.cjs"]) write(`scripts/${name}`, "");
  mkdirSync(join(root, "build"));
  return root;
}

describe("scripts/setup.mjs", () => {
  it("leaves the standard output to the command that follows, which may print JSON", () => {
    const root = makeCheckout();
    try {
      const run = spawnSync(process.execPath, [join(root, "scripts", "setup.mjs")], { encoding: "utf8" });
      expect(run.status, run.stderr).to.equal(0);
      expect(run.stdout).to.equal("");
      expect(run.stderr.trim().split("\n")).to.deep.equal([
        "setup: compiling to build/",
        ...["tsc", "tsc", "bundle.mjs", "openapi.mjs"],
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
