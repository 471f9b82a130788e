import { expect } from "chai";
import { CONTEST_SCRIPTS } from "../../../perf/lab/contest/scripts.ts";
import {
  closedLoop,
  type LoadShape,
  paymentCountAt,
  rampOfUsers,
  type UserSchedule,
  userStartMs,
} from "../../../perf/lab/load/user-schedule.ts";

const CONTEST_LOAD = CONTEST_SCRIPTS.preview.load;

/** Plays the schedule with a service that answers after `latencyMs`; when each payment went out, by user. */
function play(schedule: UserSchedule, latencyMs: number): { user: number; atMs: number }[] {
  const sent: { user: number; atMs: number }[] = [];
  for (let dueMs = schedule.nextDueMs; dueMs < Number.POSITIVE_INFINITY; dueMs = schedule.nextDueMs) {
    const user = schedule.takeNext();
    sent.push({ user, atMs: dueMs });
    schedule.ended(user, dueMs + latencyMs);
  }
  return sent;
}

describe("schedule of users", () => {
  it("ramps linearly from one user to all of them over the duration", () => {
    expect(userStartMs(0, CONTEST_LOAD)).to.equal(0);
    expect(userStartMs(549, CONTEST_LOAD)).to.equal(60_000);
    expect(userStartMs(274, CONTEST_LOAD)).to.be.closeTo(30_000, 60);
    expect(userStartMs(0, { ...CONTEST_LOAD, userCount: 1 })).to.equal(0);
    const startsMs = Array.from({ length: 550 }, (_, user) => userStartMs(user, CONTEST_LOAD));
    for (let user = 1; user < startsMs.length; user++) {
      expect(startsMs[user]! - startsMs[user - 1]!).to.be.closeTo(60_000 / 549, 1e-6);
    }
  });

  it("sends what the contest sends", () => {
    expect(paymentCountAt(1, CONTEST_LOAD)).to.be.within(16_700, 16_850);
    expect(paymentCountAt(0, { userCount: 1, durationMs: 3000, sleepMs: 1000 })).to.equal(3);
  });

  it("lets every user send, and sleep for a second after its answer, until the end", () => {
    const load: LoadShape = { userCount: 7, durationMs: 10_000, sleepMs: 1000 };
    const sent = play(rampOfUsers(load), 250);
    expect(sent.length).to.equal(paymentCountAt(250, load));
    for (let user = 0; user < 6; user++) {
      const timesMs = sent.filter((payment) => payment.user === user).map(({ atMs }) => atMs);
      expect(timesMs[0]).to.be.closeTo(userStartMs(user, load), 1e-6);
      for (let i = 1; i < timesMs.length; i++) expect(timesMs[i]! - timesMs[i - 1]!).to.be.closeTo(1250, 1e-6);
    }
    // The last user would begin as the load ends.
    expect(sent.some(({ user }) => user === 6)).to.equal(false);
  });

  it("gives payments in the order they are due", () => {
    const timesMs = play(rampOfUsers({ userCount: 100, durationMs: 5000, sleepMs: 300 }), 3).map(({ atMs }) => atMs);
    expect(timesMs).to.deep.equal(timesMs.toSorted((a, b) => a - b));
    expect(timesMs.at(-1)).to.be.lessThan(5000);
  });

  it("has nothing due while everybody waits for an answer", () => {
    const schedule = rampOfUsers({ userCount: 1, durationMs: 5000, sleepMs: 1000 });
    expect(schedule.takeNext()).to.equal(0);
    expect(schedule.nextDueMs).to.equal(Number.POSITIVE_INFINITY);
    expect(() => schedule.takeNext()).to.throw("a payment is taken while one is due");
    schedule.ended(0, 1500);
    expect(schedule.nextDueMs).to.equal(2500);
  });

  it("lets nobody sleep in a closed loop, and everybody begin at once", () => {
    const sent = play(closedLoop(3, 1000), 100);
    expect(sent.slice(0, 4)).to.deep.equal([
      { user: 0, atMs: 0 },
      { user: 1, atMs: 0 },
      { user: 2, atMs: 0 },
      { user: 0, atMs: 100 },
    ]);
    expect(sent).to.have.length(30);
  });
});
