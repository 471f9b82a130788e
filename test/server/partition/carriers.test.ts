import { expect } from "chai";
import { Carriers } from "../../../server/partition/carriers.ts";
import { carriage, FakeNeighbours } from "./fake-neighbours.ts";

describe("carriers", () => {
  let neighbours: FakeNeighbours;
  let carriers: Carriers;

  beforeEach(() => {
    neighbours = new FakeNeighbours([1, 2]);
    carriers = new Carriers(3, neighbours);
  });

  const places = (): unknown[] => {
    carriers.look();
    return [0, 1, 2].map((partition) => carriers.place(partition));
  };
  const taken = (): unknown[] => {
    carriers.look();
    return [0, 1, 2].map((partition) => carriers.taken(partition));
  };

  it("are unknown before anybody has said anything", () => {
    expect(places()).to.deep.equal(["nowhere", "nowhere", "nowhere"]);
    expect(taken()).to.deep.equal(["no", "no", "no"]);
    expect(carriers.instances()).to.deep.equal([]);
  });

  it("are who says so, each once, and no more once they are down", () => {
    neighbours.set(1, "up", { carries: [carriage(0, 1), carriage(1, 1)] });
    expect(places()).to.deep.equal([{ instance: 1 }, { instance: 1 }, "nowhere"]);
    expect(carriers.instances()).to.deep.equal([1]);
    neighbours.set(2, "up", { carries: [carriage(2, 1)] });
    neighbours.set(1, "down");
    expect(places()).to.deep.equal(["nowhere", "nowhere", { instance: 2 }]);
    expect(taken()).to.deep.equal(["no", "no", "by one that is up"]);
  });

  it("own what they carry or are about to, not what they are about to leave or when they say nothing", () => {
    neighbours.set(1, "up", { carries: [carriage(0, 1), carriage(1, 0, "adopting"), carriage(2, 4, "leaving")] });
    neighbours.set(2, "up", { carries: [carriage(0, 0, "adopting"), carriage(1, 3), carriage(2, 5)] });
    carriers.look();
    const owners = () => [0, 1, 2].map((partition) => carriers.owner(partition));
    expect(owners()).to.deep.equal([1, 2, 2]);
    neighbours.set(2, "silent", { carries: [carriage(1, 3)] });
    carriers.look();
    expect(owners()).to.deep.equal([1, 1, undefined]);
  });

  it("are asked only while they carry, though nobody else may claim before and after", () => {
    neighbours.set(1, "up", { carries: [carriage(0, 0, "adopting"), carriage(1, 3, "leaving")] });
    expect(places()).to.deep.equal(["nowhere", "nowhere", "nowhere"]);
    expect(taken()).to.deep.equal(["by one that is up", "by one that is up", "no"]);
  });

  it("that say nothing any more have what they had, for all anybody knows", () => {
    neighbours.set(1, "silent", { carries: [carriage(0, 1), carriage(1, 0, "adopting")] });
    expect(places()).to.deep.equal(["silent", "silent", "nowhere"]);
    expect(taken()).to.deep.equal(["by one that is silent", "by one that is silent", "no"]);
    expect(carriers.instances()).to.deep.equal([]);
  });

  it("are the later ones of two, in whichever order they are heard", () => {
    neighbours.set(1, "silent", { carries: [carriage(0, 4), carriage(1, 7)] });
    neighbours.set(2, "up", { carries: [carriage(0, 5), carriage(1, 6)] });
    expect(places()).to.deep.equal([{ instance: 2 }, "silent", "nowhere"]);
    expect(taken()).to.deep.equal(["by one that is up", "by one that is up", "no"]);
  });

  it("of which a later one was heard count no more", () => {
    neighbours.set(1, "up", { carries: [carriage(0, 4)] });
    carriers.look();
    expect([3, 4, 5].map((epoch) => carriers.isCurrent(0, epoch))).to.deep.equal([false, true, true]);
    neighbours.set(1, "down");
    carriers.look();
    expect(carriers.isCurrent(0, 3)).to.equal(false);
    carriers.noteEpoch(0, 6);
    carriers.noteEpoch(0, 5);
    expect([5, 6].map((epoch) => carriers.isCurrent(0, epoch))).to.deep.equal([false, true]);
    expect(carriers.isCurrent(1, 1)).to.equal(true);
  });

  it("of partitions that do not exist are passed over", () => {
    neighbours.set(1, "up", { carries: [carriage(3, 9)] });
    expect(places()).to.deep.equal(["nowhere", "nowhere", "nowhere"]);
    expect(carriers.instances()).to.deep.equal([]);
  });
});
