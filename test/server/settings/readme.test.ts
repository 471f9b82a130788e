import { readFileSync } from "node:fs";
import { expect } from "chai";
import { settingsMarkdown } from "../../../server/settings/settings.ts";

describe("README", () => {
  it("shows the table of settings that the code has", () => {
    const readme = readFileSync("README.md", "utf8");
    const table = /<!-- settings -->\n(?<table>[\s\S]*)\n<!-- \/settings -->/.exec(readme)?.groups?.["table"];
    expect(table).to.equal(settingsMarkdown());
  });
});
