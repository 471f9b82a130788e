import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { unbundled } from "../../../perf/lab/cost/unbundled.ts";
import { INSTANCE_MAIN } from "../../../perf/launch/plans.ts";

const PART = join(dirname(INSTANCE_MAIN), "server-main-run.part.js");

describe("profile of a bundle", () => {
  it("has each function in the file that it is compiled to by itself", () => {
    const lines = readFileSync(PART, "utf8").split("\n");
    const placeOf = (text: RegExp, url: string): string => {
      const lineNumber = lines.findIndex((line) => text.test(line));
      const columnNumber = lines[lineNumber]!.indexOf("class");
      const callFrame = { functionName: "f", url, lineNumber, columnNumber };
      const profile = { nodes: [{ id: 1, callFrame }], startTime: 0, samples: [], timeDeltas: [] };
      return unbundled(profile).nodes[0]!.callFrame.url;
    };
    const url = pathToFileURL(PART).href;
    expect(placeOf(/^var Journal = class /, url)).to.match(/\/build\/server\/journal\/journal\.js$/);
    expect(placeOf(/^var Engine = class /, PART)).to.match(/\/build\/core\/engine\.js$/);
    expect(placeOf(/^var Journal = class /, "node:fs")).to.equal("node:fs");
  });
});
