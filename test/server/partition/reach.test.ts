import { expect } from "chai";
import type { Partition } from "../../../server/partition/partition.ts";
import { type Errand, type Errands, Reach } from "../../../server/partition/reach.ts";
import { VirtualTime } from "../../support/virtual-time.ts";
import { FakeCustody, passUntil } from "./fake-custody.ts";

const OWN = { number: 0 } as unknown as Partition;

describe("reach", () => {
  let time: VirtualTime;
  let custody: FakeCustody;
  let reach: Reach;
  /** Instances that were asked, and the time each was given. */
  let asked: [number, number][];
  let word: "done" | "unsent" | "unanswered";

  beforeEach(() => {
    time = new VirtualTime();
    custody = new FakeCustody(time, ["nowhere"]);
    reach = new Reach(custody.asCustody, time);
    asked = [];
    word = "done";
  });

  const errand: Errand<string> = {
    here: () => "done here",
    there: async (instance, timeoutMs) => {
      asked.push([instance, timeoutMs]);
      return word === "done" ? `done at ${instance}` : word;
    },
  };

  /** What it came to, once it came to anything. */
  function bring(): { result: Errands<string> | undefined } {
    const state: { result: Errands<string> | undefined } = { result: undefined };
    void reach.bring(0, errand).then((result) => {
      state.result = result;
    });
    return state;
  }

  const unreached = (why: string, wasSent = false) => ({ kind: "unreached", why, wasSent });

  it("does what is asked here, or has it done at the carrier, at once", async () => {
    custody.set(0, OWN);
    expect(await reach.bring(0, errand)).to.deep.equal({ kind: "done", result: "done here" });
    custody.set(0, { instance: 2 });
    expect(await reach.bring(0, errand)).to.deep.equal({ kind: "done", result: "done at 2" });
    expect([asked, reach.waitingCount]).to.deep.equal([[[2, 800]], 0]);
  });

  it("waits for a carrier, and gives it the time that is left", async () => {
    const brought = bring();
    await passUntil(time, 300);
    expect([brought.result, reach.waitingCount]).to.deep.equal([undefined, 1]);
    custody.set(0, { instance: 1 });
    await passUntil(time, 301);
    expect(brought.result).to.deep.equal({ kind: "done", result: "done at 1" });
    expect([asked, reach.waitingCount]).to.deep.equal([[[1, 500]], 0]);
  });

  it("waits no longer than it may", async () => {
    const brought = bring();
    await passUntil(time, 799);
    expect(brought.result).to.equal(undefined);
    await passUntil(time, 801);
    expect(brought.result).to.deep.equal(unreached("moving"));
  });

  it("does not wait for a carrier that says nothing", async () => {
    custody.set(0, "silent");
    expect(await reach.bring(0, errand)).to.deep.equal(unreached("silent"));
  });

  it("asks the next carrier when one dies meanwhile", async () => {
    word = "unanswered";
    custody.set(0, { instance: 1 });
    const brought = bring();
    await passUntil(time, 1);
    custody.set(0, "nowhere");
    word = "done";
    await passUntil(time, 200);
    expect([brought.result, asked.length]).to.deep.equal([undefined, 1]);
    custody.set(0, OWN);
    await passUntil(time, 201);
    expect(brought.result).to.deep.equal({ kind: "done", result: "done here" });
  });

  it("asks again one that did not answer, and says that somebody may have done it", async () => {
    word = "unanswered";
    custody.set(0, { instance: 1 });
    const brought = bring();
    await passUntil(time, 100);
    expect(asked.length).to.be.within(4, 6);
    await passUntil(time, 1000);
    expect(brought.result).to.deep.equal(unreached("moving", true));
  });

  it("knows that nothing was done where nothing was sent", async () => {
    word = "unsent";
    custody.set(0, { instance: 1 });
    const brought = bring();
    await passUntil(time, 1000);
    expect(brought.result).to.deep.equal(unreached("moving", false));
  });

  it("remembers what was sent to a carrier that then says nothing", async () => {
    word = "unanswered";
    custody.set(0, { instance: 1 });
    const brought = bring();
    await passUntil(time, 1);
    custody.set(0, "silent");
    await passUntil(time, 50);
    expect(brought.result).to.deep.equal(unreached("silent", true));
  });

  it("ends with an instance that nobody follows", async () => {
    const brought = bring();
    await passUntil(time, 50);
    custody.isEnding = true;
    custody.change();
    await passUntil(time, 51);
    expect(brought.result).to.deep.equal(unreached("ending"));
  });

  it("keeps only so many waiting, and takes more when those are gone", async () => {
    const waiting = Array.from({ length: 4096 }, bring);
    expect(await reach.bring(0, errand)).to.deep.equal(unreached("too many"));
    custody.set(0, OWN);
    await passUntil(time, 1);
    expect(new Set(waiting.map(({ result }) => result?.kind))).to.deep.equal(new Set(["done"]));
    expect(reach.waitingCount).to.equal(0);
    expect((await reach.bring(0, errand)).kind).to.equal("done");
  });

  it("counts nobody as waiting whose errand fails here", async () => {
    custody.set(0, OWN);
    const failing = { ...errand, here: () => Promise.reject(new Error("broken")) };
    const failure = await reach.bring(0, failing).catch((error: Error) => error.message);
    expect([failure, reach.waitingCount]).to.deep.equal(["broken", 0]);
  });
});
