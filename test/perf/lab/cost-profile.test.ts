import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type CpuProfile, ROOMS, summariseProfiles } from "../../../perf/lab/cost/profile-summary.ts";
import { REPOSITORY_ROOT } from "../../../perf/lab/repository.ts";

const node = (id: number, functionName: string, url: string, children: number[] = []): CpuProfile["nodes"][number] => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
  children,
});

/** Samples 1 ms apart, from 1 ms on; the last one stands for nothing. */
function profileOf(nodes: CpuProfile["nodes"], ids: readonly number[]): CpuProfile {
  return { nodes, startTime: 0, samples: [...ids, 1], timeDeltas: Array(ids.length + 1).fill(1000) as number[] };
}

const EVERYTHING = { fromUs: 0, toUs: 1e9 };

const NODES = [
  node(1, "(root)", "", [2, 3, 4, 5, 6, 9]),
  node(2, "(idle)", ""),
  node(3, "(garbage collector)", ""),
  node(4, "append", "file:///x/build/server/journal/journal.js", [7]),
  node(5, "accept", "file:///x/build/core/engine.js"),
  node(6, "onRequest", "file:///x/build/server/api/public-api.js", [8]),
  node(7, "writeBuffer", ""),
  node(8, "end", ""),
  node(9, "(program)", ""),
];

describe("profile summary", () => {
  it("knows rooms that are there", () => {
    const own = ROOMS.map(([part]) => part).filter((part) => part.startsWith("/build/"));
    expect(own.filter((part) => !existsSync(join(REPOSITORY_ROOT, part)))).to.deep.equal([]);
  });

  it("adds up self times by category, without idling; native functions count as their caller's", () => {
    const profile = profileOf(NODES, [2, 2, 2, 3, 4, 7, 7, 5, 6, 8, 9]);
    const { busyMs, categories } = summariseProfiles([profile], EVERYTHING);
    expect(busyMs).to.equal(8);
    expect(Object.fromEntries(categories.map(({ name, selfMs }) => [name, selfMs]))).to.deep.equal({
      "garbage collection": 1,
      journal: 3,
      "engine (core/)": 1,
      "accepting (server/api, http, payments, text)": 2,
      "native: uWebSockets, libuv and the kernel, outside JavaScript": 1,
    });
    expect(categories[0]!.name).to.equal("journal");
  });

  it("lists the most expensive functions with their places, over all threads", () => {
    const profiles = [profileOf(NODES, [4, 7, 7]), profileOf(NODES, [7, 5, 2])];
    const { functions } = summariseProfiles(profiles, EVERYTHING);
    expect(functions).to.deep.equal([
      { name: "writeBuffer", place: "native, called by: journal", selfMs: 3 },
      { name: "append", place: "server/journal/journal.js:10", selfMs: 1 },
      { name: "accept", place: "core/engine.js:10", selfMs: 1 },
    ]);
  });

  it("takes a write to the journal's file for the journal", () => {
    const writing = [
      node(1, "(root)", "", [2]),
      node(2, "append", "file:///x/build/server/journal/journal.js", [3]),
      node(3, "writeSync", "node:fs", [4]),
      node(4, "writeBuffer", ""),
    ];
    const { categories } = summariseProfiles([profileOf(writing, [3, 4])], EVERYTHING);
    expect(categories).to.deep.equal([{ name: "journal", selfMs: 2 }]);
  });

  it("takes a native function for one, whatever its name", () => {
    const named = [
      node(1, "(root)", "", [2]),
      node(2, "find", "file:///x/build/core/index.js", [3]),
      node(3, "toString", ""),
    ];
    const { categories } = summariseProfiles([profileOf(named, [3, 3])], EVERYTHING);
    expect(categories).to.deep.equal([{ name: "engine (core/)", selfMs: 2 }]);
  });

  it("counts the window only", () => {
    const profile = profileOf(NODES, [5, 5, 5, 5, 5]);
    expect(summariseProfiles([profile], { fromUs: 2000, toUs: 4000 }).busyMs).to.equal(2);
  });

  it("refuses a profile whose samples name no node", () => {
    expect(() => summariseProfiles([profileOf(NODES, [99])], EVERYTHING)).to.throw(
      "a sample must have its node: id=99",
    );
  });
});
