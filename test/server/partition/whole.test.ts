import { expect } from "chai";
import type { Partition } from "../../../server/partition/partition.ts";
import { everyPlace, wholeOf } from "../../../server/partition/whole.ts";
import type { SummaryPart } from "../../../server/payments/summary.ts";
import { VirtualTime } from "../../support/virtual-time.ts";
import { FakeCustody, passUntil } from "./fake-custody.ts";

const OWN = { number: 0 } as unknown as Partition;

function part(partition: number, epoch: number, count = 0): SummaryPart {
  return { partition, epoch, processors: ["default"], totals: [count, 0], settledUntilMs: 0 };
}

describe("a whole of parts", () => {
  let time: VirtualTime;
  let custody: FakeCustody;
  /** What is told now, and how often that was asked for. */
  let told: SummaryPart[] | "unsafe";
  let askedCount: number;

  beforeEach(() => {
    time = new VirtualTime();
    custody = new FakeCustody(time, [OWN, { instance: 1 }]);
    askedCount = 0;
  });

  type Whole = SummaryPart[] | "unsafe" | undefined;

  function ask(): { result: Whole | "none yet" } {
    const state: { result: Whole | "none yet" } = { result: "none yet" };
    const whole = wholeOf(custody.asCustody, time, async () => {
      askedCount++;
      return told;
    });
    void whole.then((result) => {
      state.result = result;
    });
    return state;
  }

  it("has each partition once, in their order", async () => {
    told = [part(1, 3), part(0, 2)];
    const asked = ask();
    await passUntil(time, 1);
    expect(asked.result).to.deep.equal([part(0, 2), part(1, 3)]);
  });

  it("has the later carrier's part where two tell the same partition, whoever is heard first", async () => {
    for (const both of [
      [part(1, 3, 10), part(1, 4, 12)],
      [part(1, 4, 12), part(1, 3, 10)],
    ]) {
      told = [part(0, 2), ...both];
      const asked = ask();
      await passUntil(time, time.nowMs + 1);
      expect(asked.result).to.deep.equal([part(0, 2), part(1, 4, 12)]);
    }
  });

  it("waits for the carrier that is known where only a former one tells", async () => {
    custody.carriers.noteEpoch(1, 4);
    told = [part(0, 2), part(1, 3, 10)];
    const asked = ask();
    await passUntil(time, 100);
    expect(asked.result).to.equal("none yet");
    told = [part(0, 2), part(1, 4, 12)];
    await passUntil(time, 130);
    expect(asked.result).to.deep.equal(told);
  });

  it("passes over a partition that does not exist", async () => {
    told = [part(0, 2), part(1, 3), part(2, 1)];
    const asked = ask();
    await passUntil(time, 1);
    expect(asked.result).to.deep.equal([part(0, 2), part(1, 3)]);
  });

  it("asks again while one is missing, as soon as something changes, and not for ever", async () => {
    told = [part(0, 2)];
    custody.set(1, "nowhere");
    const asked = ask();
    await passUntil(time, 5);
    expect(askedCount).to.equal(1);
    custody.change();
    await passUntil(time, 6);
    expect([asked.result, askedCount]).to.deep.equal(["none yet", 2]);
    await passUntil(time, 799);
    expect(asked.result).to.equal("none yet");
    await passUntil(time, 900);
    expect(asked.result).to.equal(undefined);
  });

  it("is not waited for where a carrier says nothing", async () => {
    told = [part(0, 2)];
    custody.set(1, "silent");
    const asked = ask();
    await passUntil(time, 1);
    expect([asked.result, askedCount]).to.deep.equal([undefined, 1]);
  });

  it("is unsafe where one part is", async () => {
    told = "unsafe";
    const asked = ask();
    await passUntil(time, 1);
    expect(asked.result).to.equal("unsafe");
  });
});

describe("every place", () => {
  let time: VirtualTime;
  let custody: FakeCustody;

  beforeEach(() => {
    time = new VirtualTime();
    custody = new FakeCustody(time, [OWN, "nowhere"]);
  });

  type Places = Awaited<ReturnType<typeof everyPlace>>;

  function ask(): { result: Places | "none yet" } {
    const state: { result: Places | "none yet" } = { result: "none yet" };
    void everyPlace(custody.asCustody, time).then((result) => {
      state.result = result;
    });
    return state;
  }

  it("is known once each partition is carried", async () => {
    const asked = ask();
    await passUntil(time, 300);
    expect(asked.result).to.equal("none yet");
    custody.set(1, { instance: 1 });
    await passUntil(time, 301);
    expect(asked.result).to.deep.equal([OWN, { instance: 1 }]);
  });

  it("is not waited for longer than others wait, nor where a carrier says nothing", async () => {
    const asked = ask();
    await passUntil(time, 900);
    expect(asked.result).to.equal(undefined);
    custody.set(1, "silent");
    expect(await everyPlace(custody.asCustody, time)).to.equal(undefined);
  });
});
