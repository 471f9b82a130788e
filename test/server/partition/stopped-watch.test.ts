import { expect } from "chai";
import { StoppedWatch } from "../../../server/partition/stopped-watch.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

describe("the watch for a stopped process", () => {
  let time: VirtualTime;
  let watch: StoppedWatch;

  beforeEach(() => {
    time = new VirtualTime();
    watch = new StoppedWatch(time);
  });

  const pass = (ms: number): Promise<void> => time.passUntil(time.nowMs + ms);

  it("sees nothing in a process that goes on, be it a little late now and then", async () => {
    for (const ms of [50, 50, 1900, 50, 2000]) {
      await pass(ms);
      expect(watch.wasStopped).to.equal(false);
      watch.tick();
      expect(watch.wasStopped).to.equal(false);
    }
  });

  it("sees that it was stopped before and after the first tick, until what lay unread has been read", async () => {
    await pass(2500);
    expect(watch.wasStopped).to.equal(true);
    watch.tick();
    expect(watch.wasStopped).to.equal(true);
    await pass(290);
    watch.tick();
    expect(watch.wasStopped).to.equal(true);
    await pass(10);
    expect(watch.wasStopped).to.equal(false);
  });

  it("sees it again when it is stopped again", async () => {
    await pass(2500);
    watch.tick();
    await pass(400);
    watch.tick();
    expect(watch.wasStopped).to.equal(false);
    await pass(86_400_000);
    expect(watch.wasStopped).to.equal(true);
  });

  it("begins with the start's end, however long that took", async () => {
    await pass(60_000);
    watch.begin();
    expect(watch.wasStopped).to.equal(false);
    watch.tick();
    expect(watch.wasStopped).to.equal(false);
  });

  it("does not mind what becomes of the wall clock", async () => {
    time.wallOffsetMs = 3_600_000;
    await pass(50);
    expect(watch.wasStopped).to.equal(false);
  });
});
