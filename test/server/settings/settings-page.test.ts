import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../../perf/lab/repository.ts";
import { settingsMarkdown } from "../../../server/settings/settings.ts";

describe("docs/settings.md", () => {
  it("shows the table of settings that the code has", () => {
    const page = readFileSync(join(REPOSITORY_ROOT, "docs/settings.md"), "utf8");
    const table = /<!-- settings -->\n(?<table>[\s\S]*)\n<!-- \/settings -->/.exec(page)?.groups?.["table"];
    expect(table).to.equal(settingsMarkdown());
  });
});
