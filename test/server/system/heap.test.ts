import { spawnSync } from "node:child_process";
import { expect } from "chai";

const MODULE = new URL("../../../server/system/heap.js", import.meta.url).href;
/** Keeps enough alive that the young generation would grow to its usual bound. */
const WORK = `
  const kept = [];
  for (let i = 0; i < 3e6; i++) kept[i % 1000] = { i, pair: [i] };
  const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
  console.log(space_size / 2 ** 20);`;

/** Megabytes of the young generation after some work. */
function youngMb(first: string): number {
  const program = `import { getHeapSpaceStatistics } from "node:v8"; ${first} ${WORK}`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  return Number(stdout);
}

describe("heap that is kept small", () => {
  it("has a young generation that does not grow any more", () => {
    expect(youngMb("")).to.be.above(4);
    expect(youngMb(`import { keepHeapSmall } from ${JSON.stringify(MODULE)}; keepHeapSmall();`)).to.be.within(0.1, 2);
  });
});
