import { expect } from "chai";
import type { PartitionReading } from "../../../server/page/message.ts";
import { missingText, partitionsText, unseenText } from "../../../server/page/partitions.ts";

function reading(partition: number, state: PartitionReading["state"] = "carried"): PartitionReading {
  return { partition, epoch: 1, state, sinceMs: 0 };
}

describe("partitions on the page", () => {
  it("are named in their order, with what is moving", () => {
    expect(partitionsText([])).to.equal("no partition");
    expect(partitionsText([reading(1)])).to.equal("partition 2");
    expect(partitionsText([reading(1, "adopting"), reading(0)])).to.equal("partitions 1, 2 (taking over)");
    expect(partitionsText([reading(0), reading(2, "leaving")])).to.equal("partitions 1, 3 (leaving)");
  });

  it("are out of reach while nobody who answers has them", () => {
    expect(unseenText([reading(0), reading(1, "adopting")], 2)).to.equal(undefined);
    expect(unseenText([reading(1)], 3)).to.equal("partitions 1, 3");
  });

  it("are missing in sums until they are carried", () => {
    expect(missingText([reading(0), reading(1)], 2)).to.equal(undefined);
    expect(missingText([reading(0), reading(1, "adopting")], 2)).to.equal("partition 2");
    expect(missingText([], 2)).to.equal("partitions 1, 2");
  });
});
