import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { findRunningEngine } from "../../../perf/containers/running-engine.ts";

/** A `docker` that says what the tests want. */
describe("the Docker engine of this machine", () => {
  let folder: string;
  const { PATH, DOCKER_HOST } = process.env;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-docker-"));
    process.env["PATH"] = `${folder}:${PATH}`;
    delete process.env["DOCKER_HOST"];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    process.env["PATH"] = PATH;
    if (DOCKER_HOST === undefined) delete process.env["DOCKER_HOST"];
    else process.env["DOCKER_HOST"] = DOCKER_HOST;
  });

  function docker(answers: { version: string; networks?: string; compose?: boolean }): void {
    const { version, networks = "", compose = true } = answers;
    const cases = [
      `"version "*) echo "${version}" ;;`,
      compose ? '"compose version") echo 2.26 ;;' : "",
      `"network ls"*) printf '%s' "${networks}" ;;`,
      "*) exit 1 ;;",
    ];
    writeFileSync(join(folder, "docker"), `#!/bin/sh\ncase "$*" in\n${cases.join("\n")}\nesac\n`);
    chmodSync(join(folder, "docker"), 0o755);
  }

  async function missing(): Promise<string | undefined> {
    const found = await findRunningEngine(folder);
    return "missing" in found ? found.missing : undefined;
  }

  it("is used where it is new enough", async () => {
    docker({ version: "25.0.0" });
    const found = await findRunningEngine(folder);
    if ("missing" in found) throw new Error(found.missing);
    expect(found.text).to.equal("Docker 25.0.0 (was running)");
    expect(found.address).to.equal("127.0.0.1");
    await found.close();
  });

  it("is left alone where it is too old, elsewhere, without Compose, or has our network", async () => {
    docker({ version: "20.10.24" });
    expect(await missing()).to.equal("the Docker engine must be 25 or newer: version=20.10.24");
    docker({ version: "26.1.5", compose: false });
    expect(await missing()).to.match(/its compose command is missing/);
    docker({ version: "26.1.5", networks: "0123456789ab" });
    expect(await missing()).to.match(/network=payment-processor \(docker network rm\)$/);
    process.env["DOCKER_HOST"] = "tcp://elsewhere:2375";
    expect(await missing()).to.match(/must be on this machine: DOCKER_HOST=tcp:/);
  });
});
