import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";

const MODULE = new URL("../../../server/system/heap.js", import.meta.url).href;
const KEEP_SMALL = `import { keepHeapSmall } from ${JSON.stringify(MODULE)}; keepHeapSmall();`;
/** Keeps enough alive that the young generation would grow to its usual bound. */
const WORK = `
  const kept = [];
  for (let i = 0; i < 3e6; i++) kept[i % 1000] = { i, pair: [i] };
  const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
  console.log(space_size / 2 ** 20);`;

/** Long enough for V8 to give memory back as often as it would, from eight seconds after the collection on. */
const IDLE_MS = 10_500;
const IDLE = `
  globalThis.kept = Array.from({ length: 3e5 }, (_, i) => ({ i, pair: [i] }));
  gc();
  setTimeout(() => {}, ${IDLE_MS});`;

/** How often V8 collects all garbage to give memory back, in a process that is idle. */
async function reductionCount(first: string): Promise<number> {
  const args = ["--trace-gc", "--expose-gc", "--input-type=module", "-e", `${first} ${IDLE}`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).to.equal("");
  // The program's own collections are in its first second.
  return [...stdout.matchAll(/(\d+) ms: Mark-Compact \(reduce\)/g)].filter(([, ms]) => Number(ms) > IDLE_MS / 2).length;
}

/** Megabytes of the young generation after some work. */
function youngMb(first: string): number {
  const program = `import { getHeapSpaceStatistics } from "node:v8"; ${first} ${WORK}`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  return Number(stdout);
}

describe("heap that is kept small", () => {
  it("has a young generation that does not grow any more", () => {
    expect(youngMb("")).to.be.above(4);
    expect(youngMb(KEEP_SMALL)).to.be.within(0.1, 2);
  });

  it("is collected once to give memory back, not again and again", async () => {
    const [usual, kept] = await Promise.all([reductionCount(""), reductionCount(KEEP_SMALL)]);
    expect(usual).to.be.above(1);
    expect(kept).to.equal(1);
  }).timeout(3 * IDLE_MS);
});
