import { expect } from "chai";
import pino from "pino";
import type { Database, Tenure } from "../../../server/lease/database.ts";
import { LeaseMark } from "../../../server/lease/lease-mark.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const TENURE: Tenure = { partition: 2, since: 7 };

/** A database that fails as often as it is told. */
function markOver(failureCount: number, isCarried: () => boolean = () => true) {
  const asked: Tenure[] = [];
  const time = new VirtualTime();
  const database: Pick<Database, "endRestored"> = {
    endRestored: async (tenure) => {
      asked.push(tenure);
      if (asked.length <= failureCount) throw new Error("the answer was lost");
    },
  };
  const mark = new LeaseMark(
    { lostFromMs: 5, sinceMs: 9 },
    { database: database as Database, time, logger: pino({ level: "silent" }), tenure: TENURE, isCarried },
  );
  return { mark, asked, time };
}

/** In steps, so that what goes on after a timer may begin another. */
async function settle(time: VirtualTime, ms: number): Promise<void> {
  for (const untilMs = time.nowMs + ms; time.nowMs < untilMs; ) {
    for (let turn = 0; turn < 24; turn++) await undefined;
    await time.passUntil(time.nowMs + 50);
  }
}

describe("mark of a partition by lease", () => {
  it("says what the claim was told, whatever is written", () => {
    const { mark } = markOver(0);
    mark.write();
    expect(mark.read()).to.deep.equal({ lostFromMs: 5, sinceMs: 9 });
  });

  it("is removed by the tenure, again and again until that is sure", async () => {
    const { mark, asked, time } = markOver(3);
    mark.remove();
    await settle(time, 10_000);
    expect(asked).to.deep.equal(new Array(4).fill(TENURE));
  });

  it("is left to the next carrier once the partition is not carried any more", async () => {
    let isCarried = true;
    const { mark, asked, time } = markOver(100, () => isCarried);
    mark.remove();
    await settle(time, 600);
    isCarried = false;
    const { length } = asked;
    await settle(time, 5000);
    expect(length).to.be.at.least(1);
    expect(asked).to.have.length(length);
  });
});
