import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createConfig, lint } from "@redocly/openapi-core";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../perf/lab/repository.ts";
import { PROBLEM_STATUS, PROBLEM_TYPE_PREFIX } from "../server/text/problem-types.ts";
import { apiDescription } from "./support/api-description.ts";
import { repositoryFiles } from "./support/repository-files.ts";

const DOCUMENT = join(REPOSITORY_ROOT, "docs", "openapi.yaml");
/** These go from instance to instance; no client meets them. */
const BETWEEN_INSTANCES = ["cannot-read-along", "not-carried", "other-link-protocol"];

const textOf = (path: string): string => readFileSync(join(REPOSITORY_ROOT, path), "utf8");

/** As the balancer has them in its map. */
function balancerNames(): string[] {
  const map = /map \$status \$problem_name \{([^}]*)\}/.exec(textOf("nginx.conf"))?.[1] ?? "";
  return [...map.matchAll(/"([\w-]+)";/g)].map((match) => match[1]!);
}

describe("docs/openapi.yaml", () => {
  it("is sound OpenAPI, examples included", async () => {
    const config = await createConfig({
      extends: ["recommended"],
      // What may be refused is described once, as the default; and the service has no home but its user's machine.
      rules: { "operation-4xx-response": "off", "no-server-example.com": "off" },
    });
    const problems = await lint({ ref: DOCUMENT, config });
    const told = problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
    expect(told).to.deep.equal([]);
  });

  it("has the version of the package", () => {
    const { info } = apiDescription().document as unknown as { info: { version: string } };
    expect(info.version).to.equal((JSON.parse(textOf("package.json")) as { version: string }).version);
  });

  it("names every type of problem that a client may meet, and no other", () => {
    const named = new Set(
      [...textOf("docs/openapi.yaml").matchAll(/rinha-backend:([a-z-]+)/g)].map(([, name]) => name),
    );
    const ours = Object.keys(PROBLEM_STATUS).filter((name) => !BETWEEN_INSTANCES.includes(name));
    expect([...named].sort()).to.deep.equal([...new Set([...ours, ...balancerNames()])].sort());
  });
});

describe("problems", () => {
  const sections = new Map(
    textOf("docs/problems.md")
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("\n")), section.split(/^## /m)[0]!]),
  );

  it("have a section each in docs/problems.md, and there is none without a problem", () => {
    expect(balancerNames()).to.have.length.above(5);
    const names = new Set([...Object.keys(PROBLEM_STATUS), ...balancerNames()]);
    expect([...sections.keys()].sort()).to.deep.equal([...names].sort());
  });

  it("are told there with their status, and what to do about those that a client meets", () => {
    for (const [name, section] of sections) {
      const status = PROBLEM_STATUS[name as keyof typeof PROBLEM_STATUS];
      if (status !== undefined) expect(section, name).to.include(`\n\n${status}`);
      if (!BETWEEN_INSTANCES.includes(name)) expect(section, name).to.include("**What to do:**");
    }
  });

  it("are all in use, and made in one place", () => {
    const sources = repositoryFiles(/^server\/.*\.ts$/).filter(({ path }) => !path.endsWith("/problem-types.ts"));
    const text = sources.map(({ lines }) => lines.join("\n")).join("\n");
    const unused = Object.keys(PROBLEM_STATUS).filter((name) => !text.includes(`"${name}"`));
    expect(unused).to.deep.equal([]);
    for (const other of ["about:blank", PROBLEM_TYPE_PREFIX]) expect(text).to.not.include(other);
  });
});
