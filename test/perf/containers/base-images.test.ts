import { readdirSync } from "node:fs";
import { expect } from "chai";
import { imagesOfComposeFile, imagesOfDockerfile } from "../../../perf/containers/base-images.ts";
import { recipeFor } from "../../../perf/containers/debian-images.ts";
import { runTool } from "../../../perf/containers/tool.ts";

/** Others' programs, which no package of Debian stands in for. */
const ONLY_PULLED = ["compose.observability.yml"];

describe("base images", () => {
  it("have a recipe each, under the names that docker/ gives them", () => {
    const files = readdirSync("docker").filter((name) => /^compose\..*yml$/.test(name) && !ONLY_PULLED.includes(name));
    const images = [...imagesOfDockerfile(), ...files.flatMap(imagesOfComposeFile)];
    expect(images).to.include.members(["node:24-trixie-slim"]);
    expect(images.some((image) => image.startsWith("nginx:"))).to.equal(true);
    expect(images.some((image) => image.startsWith("postgres:"))).to.equal(true);
    for (const image of images) expect(recipeFor(image), image).to.not.equal(undefined);
  });

  it("have none for what Debian does not have", () => {
    for (const image of ["prom/prometheus:v3.5.0", "postgres:9", "nodered:24"])
      expect(recipeFor(image), image).to.equal(undefined);
  });
});

describe("a tool", () => {
  it("gives what it prints", async () => {
    expect(await runTool("sh", ["-c", "echo out; echo err >&2"])).to.equal("out\n");
    expect(await runTool("sh", ["-c", "echo out; echo err >&2"], { withErrors: true })).to.equal("out\nerr\n");
  });

  it("rejects with the end of what it said where it fails, is missing, or takes too long", async () => {
    const failureOf = (command: string, args: string[], timeoutMs = 10_000): Promise<string> =>
      runTool(command, args, { timeoutMs }).then(
        () => "ended well",
        ({ message }: Error) => message,
      );
    const failed = await failureOf("sh", ["-c", "seq 100; echo why >&2; exit 3"]);
    expect(failed).to.match(/must succeed: status=3\n/);
    expect(failed).to.match(/\n100\nwhy$/);
    expect(failed).to.not.match(/\n50\n/);
    expect(await failureOf("no-such-tool", [])).to.match(/ENOENT/);
    expect(await failureOf("sleep", ["20"], 50)).to.match(/status=SIGKILL/);
  });
});
