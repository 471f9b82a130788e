import { expect } from "chai";
import { VirtualTime } from "../../support/virtual-time.ts";
import { Cluster, type Instance } from "./cluster.ts";

const LAPSE_MS = 4000;

/** Custody where instances come and go, and a right outlives its carrier. */
describe("custody of rights that lapse", () => {
  let cluster: Cluster;

  beforeEach(() => {
    cluster = clusterOf(3);
  });

  function clusterOf(instanceCount: number, seed = 1): Cluster {
    const made = new Cluster(new VirtualTime(), instanceCount, 12, seed);
    made.lapseMs = LAPSE_MS;
    return made;
  }

  async function three(): Promise<Instance[]> {
    const instances = cluster.startAll();
    await cluster.pass(8000);
    return instances;
  }

  const carried = (): unknown => cluster.carried();
  const counts = (): number[] => Object.values(cluster.carried()).map((own) => own.length);
  const moved = (instances: readonly Instance[]): number =>
    instances.reduce((sum, { custody }) => sum + custody.takeOverCount, 0);

  const BALANCERS = { 0: [0, 3, 6, 9], 1: [1, 4, 7, 10], 2: [2, 5, 8, 11] };

  it("are shared as the balancer asks for them where all start together", async () => {
    const instances = cluster.startAll();
    await cluster.pass(700);
    expect(carried()).to.deep.equal(BALANCERS);
    expect(await instances[0]!.started).to.equal("started");
    await cluster.pass(20_000);
    expect(carried()).to.deep.equal(BALANCERS);
    expect(moved(instances)).to.equal(0);
  });

  it("are all those of one that is alone", async () => {
    const alone = cluster.start(200);
    await cluster.pass(700);
    expect([await alone.started, alone.carried.length, alone.custody.takeOverCount]).to.deep.equal(["started", 12, 0]);
  });

  it("go to one that joins as far as they are its share, once it is warm, and nothing else moves", async () => {
    const instances = [cluster.start(0), cluster.start(7)];
    await cluster.pass(8000);
    const late = cluster.start(3);
    await cluster.pass(4900);
    expect([await late.started, late.carried]).to.deep.equal(["started", []]);
    await cluster.pass(3000);
    expect(carried()).to.deep.equal({ 0: [0, 2, 6, 8], 3: [4, 10, 1, 7].sort((a, b) => a - b), 7: [3, 5, 9, 11] });
    expect([moved([late]), moved(instances)]).to.deep.equal([4, 0]);
    await cluster.pass(60_000);
    expect([moved([late]), moved(instances)]).to.deep.equal([4, 0]);
  });

  it("of one that dies go to the others evenly, to one claimant each, as soon as they have lapsed", async () => {
    const instances = await three();
    instances[1]!.end();
    await cluster.pass(LAPSE_MS - 100);
    expect(counts()).to.deep.equal([4, 4]);
    await cluster.pass(400);
    expect(counts()).to.deep.equal([6, 6]);
    expect(cluster.waits.map((wait) => wait.split(" for ")[1]).sort()).to.deep.equal(["1", "10", "4", "7"]);
    await cluster.pass(30_000);
    expect([counts(), moved(instances)]).to.deep.equal([[6, 6], 4]);
  });

  it("are claimed by another where the first to claim them cannot", async () => {
    const [first, second] = await three();
    first!.refusal = "too large";
    second!.end();
    await cluster.pass(3 * LAPSE_MS);
    expect(counts()).to.deep.equal([4, 8]);
  });

  it("of one that ends go to the others evenly, at once", async () => {
    const [, second] = await three();
    const left = second!.leave();
    await cluster.pass(300);
    await left;
    expect(counts()).to.deep.equal([6, 6]);
    expect(cluster.waits).to.deep.equal([]);
    expect(second!.custody.handOverCount).to.equal(4);
  });

  it("are gone for one that was stopped for too long: it drops everything, and gets its share back", async () => {
    const instances = await three();
    const [first] = instances;
    first!.stop();
    await cluster.pass(3 * LAPSE_MS);
    expect([cluster.at(1), cluster.at(2)].map((other) => other!.carried.length)).to.deep.equal([6, 6]);
    first!.goOn();
    expect(first!.carried).to.deep.equal([]);
    expect(first!.custody.carriages()).to.deep.equal([]);
    await cluster.pass(10);
    expect(first!.events.slice(4).sort()).to.deep.equal(
      [0, 3, 6, 9].flatMap((partition) => [`abandons ${partition}`, `leaves ${partition}`]).sort(),
    );
    await cluster.pass(10_000);
    expect(counts()).to.deep.equal([4, 4, 4]);
    expect(moved(instances)).to.equal(8);
  });

  it("do not keep an instance from starting while they are still another's", async () => {
    const [, second] = await three();
    cluster.at(0)!.end();
    cluster.at(2)!.end();
    second!.end();
    const back = cluster.start(1);
    await cluster.pass(2700);
    expect([await back.started, back.carried]).to.deep.equal(["started", []]);
    await cluster.pass(LAPSE_MS);
    expect(back.carried.length).to.equal(12);
  });

  it("do not keep an instance from starting where a partition cannot be opened", async () => {
    cluster.problems.set(5, "the log is broken");
    const alone = cluster.start(0);
    await cluster.pass(3000);
    expect([await alone.started, alone.carried.length, alone.custody.problemOf(5)]).to.deep.equal([
      "started",
      11,
      "the log is broken",
    ]);
  });

  it("can be lost by one that is about to have them, or to leave them", async () => {
    const instances = await three();
    const [first, second] = instances;
    second!.end();
    await cluster.pass(LAPSE_MS + 15);
    const adopting = [0, 2].flatMap((number) =>
      cluster
        .at(number)!
        .custody.carriages()
        .filter(({ state }) => state === "adopting")
        .map(({ partition }) => ({ number, partition })),
    );
    expect(adopting.length).to.equal(4);
    for (const { number, partition } of adopting) cluster.at(number)!.custody.lost(partition);
    await cluster.pass(21);
    for (const { number, partition } of adopting)
      expect(cluster.at(number)!.events, `${partition}`).not.to.include(`carries ${partition}`);
    await cluster.pass(3000);
    expect(counts()).to.deep.equal([6, 6]);
    void first!.leave();
    const leaving = () => first!.custody.carriages().filter(({ state }) => state === "leaving");
    for (let ms = 0; ms < 20 && leaving().length === 0; ms++) await cluster.pass(1);
    expect(leaving().length).to.be.above(0);
    for (const { partition } of leaving()) first!.custody.lost(partition);
    expect(leaving()).to.deep.equal([]);
    await cluster.pass(3000);
    expect(carried()).to.deep.equal({ 2: Array.from({ length: 12 }, (_, partition) => partition) });
  });

  it("are at one instance at most, and even in the end, whatever becomes of the instances", async () => {
    for (let seed = 1; seed <= 3; seed++) {
      cluster = clusterOf(4, seed);
      cluster.startAll();
      for (let step = 0; step < 40; step++) {
        const number = (step * 7 + seed * 5 + (step >> 2)) % 5;
        const instance = cluster.at(number);
        if (instance === undefined) cluster.start(number);
        else if (instance.life === "stopped") instance.goOn();
        else if ((step + seed) % 4 === 0) instance.end();
        else if ((step + seed) % 4 === 1) void instance.leave();
        else if ((step + seed) % 4 === 2) instance.stop();
        await cluster.pass(((step * 13 + seed * 29) % 40) * 150);
        const running = [0, 1, 2, 3, 4].map((other) => cluster.at(other)).filter((other) => other?.life === "running");
        const all = running.flatMap((other) => other!.carried);
        expect(new Set(all).size, `seed=${seed} step=${step} ${JSON.stringify(carried())}`).to.equal(all.length);
      }
      for (const number of [0, 1, 2, 3, 4]) {
        if (cluster.at(number) === undefined) cluster.start(number);
        if (cluster.at(number)!.life === "stopped") cluster.at(number)!.goOn();
      }
      await cluster.pass(900_000);
      expect([...counts()].sort(), `seed=${seed} ${JSON.stringify(carried())}`).to.deep.equal([2, 2, 2, 3, 3]);
    }
  });
});
