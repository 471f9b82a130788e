import { expect } from "chai";
import type { PollRegister } from "../../../server/health/poll-register.ts";
import { POLL_INTERVAL_MS } from "../../../server/health/poll-rights.ts";
import { RegisterConsent, RIGHT_MS } from "../../../server/health/register-consent.ts";
import { PollSimulation, type Weather } from "../../support/poll-simulation.ts";
import { Random } from "../../support/random.ts";
import { VirtualRegister } from "../../support/virtual-register.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const SEED = Number(process.env["TEST_SEED"] ?? 20250715);
const SEEDS = process.env["TEST_SEED"] === undefined ? Array.from({ length: 60 }, (_, i) => SEED + i) : [SEED];
const MINUTE_MS = 60_000;

const calm: Weather = {
  messageMs: (random) => random.between(0, 3),
  pollMs: (random) => random.between(0, 5),
  answerMs: (random) => random.between(1, 10),
  uselessAnswers: 0,
};

/** Messages that come late, a processor that holds calls back, refuses them or never answers. */
const rough: Weather = {
  messageMs: (random) => (random.chance(0.05) ? random.between(200, 3000) : random.between(0, 140)),
  pollMs: (random) => (random.chance(0.05) ? random.between(100, 1000) : random.between(0, 30)),
  answerMs: (random) => (random.chance(0.1) ? random.between(1000, 12_000) : random.between(1, 100)),
  uselessAnswers: 0.1,
};

/** Runs the story for many seeds; a failure names its seed. */
async function forEachSeed(story: (random: Random) => Promise<void>): Promise<void> {
  for (const seed of SEEDS) {
    try {
      await story(new Random(seed));
    } catch (error) {
      throw new Error(`TEST_SEED=${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}

for (const kind of ["redis", "table"] as const) {
  describe(`the right to poll by a register like a ${kind}`, function () {
    this.timeout(60_000);

    async function started(random: Random, count: number, weather: Weather): Promise<PollSimulation> {
      const simulation = new PollSimulation(random, count, weather, (world) => new VirtualRegister(world, kind));
      for (const node of simulation.nodes) {
        node.start();
        await simulation.time.passUntil(simulation.time.nowMs + random.below(500));
      }
      return simulation;
    }

    function expectApart(simulation: PollSimulation): void {
      expect(simulation.smallestGapMs, `arrivals: ${simulation.arrivalsMs}`).to.be.at.least(POLL_INTERVAL_MS);
    }

    /** The longest time without a poll. */
    function longestSilenceMs({ arrivalsMs, time }: PollSimulation, fromMs: number): number {
      const since = [fromMs, ...arrivalsMs.filter((atMs) => atMs > fromMs), time.nowMs];
      return Math.max(...since.slice(1).map((atMs, i) => atMs - since[i]!));
    }

    for (const count of [1, 2, 3, 5]) {
      it(`is used as often as allowed by ${count} instance(s) in good weather, and all hear of each poll`, async () => {
        await forEachSeed(async (random) => {
          const simulation = await started(random, count, calm);
          await simulation.time.passUntil(5 * MINUTE_MS);
          expectApart(simulation);
          expect(Math.max(...simulation.gapsMs)).to.be.at.most(POLL_INTERVAL_MS + 700);
          expect(simulation.arrivalsMs[0]).to.be.at.most(RIGHT_MS + 2000);
          const pollCount = simulation.arrivalsMs.length;
          for (const { heardCount } of simulation.nodes) expect(heardCount).to.be.within(pollCount - 1, pollCount);
        });
      });

      it(`keeps arrivals 5 s apart, and comes back, with ${count} instance(s) and a register in trouble`, async () => {
        await forEachSeed(async (random) => {
          const simulation = await started(random, count, rough);
          const { time, nodes } = simulation;
          const register = simulation.register!;
          register.lostMessages = 0.03;
          while (time.nowMs < 10 * MINUTE_MS) {
            await time.passUntil(time.nowMs + random.between(1, 12_000));
            const node = random.pick(nodes);
            if (random.chance(0.3)) {
              if (register.isUp) register.crash(random.chance(0.5));
              else register.start();
            } else if (!node.isAlive) node.start();
            else if (random.chance(0.4)) node.crash();
            else if (node.isStopped) node.goOn();
            else node.stop();
          }
          register.start();
          register.lostMessages = 0;
          const survivor = random.pick(nodes);
          survivor.goOn();
          survivor.start();
          const calmFromMs = time.nowMs;
          await time.passUntil(calmFromMs + 3 * MINUTE_MS);
          expectApart(simulation);
          expect(simulation.arrivalsMs.length).to.be.above(20);
          expect(longestSilenceMs(simulation, calmFromMs), `arrivals: ${simulation.arrivalsMs}`).to.be.below(MINUTE_MS);
        });
      });
    }

    it("passes to another instance when the one that polls dies, whatever it was doing", async () => {
      await forEachSeed(async (random) => {
        const simulation = await started(random, 2, calm);
        await simulation.time.passUntil(random.between(10_000, 40_000));
        const before = simulation.arrivalsMs.length;
        random.pick(simulation.nodes).crash();
        await simulation.time.passUntil(simulation.time.nowMs + RIGHT_MS + 1000);
        expect(simulation.arrivalsMs.length).to.be.above(before);
        expectApart(simulation);
      });
    });

    it("is nobody's while the register is gone, and for 7 s after it is back without a memory", async () => {
      await forEachSeed(async (random) => {
        const simulation = await started(random, 3, calm);
        const { time, nodes, arrivalsMs } = simulation;
        await time.passUntil(random.between(20_000, 30_000));
        simulation.register!.crash(true);
        const goneAtMs = time.nowMs;
        await time.passUntil(goneAtMs + random.between(1, 60_000));
        simulation.register!.start();
        const backAtMs = time.nowMs;
        // A new one knows as little of what was before as the register.
        nodes[0]!.crash();
        nodes[0]!.start();
        await time.passUntil(backAtMs + MINUTE_MS);
        // A poll may be on its way when the register goes.
        const between = arrivalsMs.filter((atMs) => atMs > goneAtMs + 20 && atMs < backAtMs + RIGHT_MS);
        expect(between).to.deep.equal([]);
        expectApart(simulation);
        expect(longestSilenceMs(simulation, backAtMs)).to.be.at.most(30_000);
      });
    });

    it("of a poll that the processor holds for long is not given to others meanwhile", async () => {
      await forEachSeed(async (random) => {
        const simulation = await started(random, 3, { ...calm, answerMs: () => 9000 });
        await simulation.time.passUntil(3 * MINUTE_MS);
        expect(simulation.smallestGapMs).to.be.at.least(9000 + POLL_INTERVAL_MS);
        expect(Math.max(...simulation.gapsMs)).to.be.at.most(9000 + POLL_INTERVAL_MS + 1000);
      });
    });
  });
}

describe("the right to poll by a register", () => {
  let time: VirtualTime;
  let takes: { token: string; answer: (isTaken: boolean) => void }[];
  let keeps: unknown[][];
  let standings: (string | undefined)[];
  let lose: (error: unknown) => void;
  let consent: RegisterConsent;
  /** The process was stopped for so long: its clock went on, its timers have not run yet. */
  let stoppedMs: number;

  beforeEach(() => {
    time = new VirtualTime();
    [takes, keeps, standings, stoppedMs] = [[], [], [], 0];
    const register: PollRegister = {
      ready: Promise.resolve(),
      take: (_processor, token) => new Promise((answer) => takes.push({ token, answer })),
      keep: async (...told) => void keeps.push(told),
      close: () => {},
    };
    const clock = {
      wallMs: () => time.wallMs(),
      monotonicMs: () => time.monotonicMs() + stoppedMs,
      after: (delayMs: number, run: () => void) => time.after(delayMs, run),
      atEndOfTurn: (run: () => void) => time.atEndOfTurn(run),
      pause: (delayMs: number) => time.pause(delayMs),
    };
    consent = new RegisterConsent({
      open: ({ lost }) => {
        lose = lost;
        return register;
      },
      processorCount: 2,
      time: clock,
      onHeard: () => {},
      onStanding: (reason) => standings.push(reason),
    });
  });

  afterEach(() => consent.close());

  /** What comes of asking, when the register answers after so long. */
  async function askWith(answerMs: number, processor = 0): Promise<boolean> {
    const asking = consent.ask(processor);
    await time.passUntil(time.nowMs + answerMs);
    takes.at(-1)?.answer(true);
    await time.passUntil(time.nowMs + 1);
    return asking;
  }

  it("is asked for no earlier than 7 s after the connection, and had then", async () => {
    await time.passUntil(RIGHT_MS - 1);
    expect(await askWith(0)).to.equal(false);
    expect(takes).to.deep.equal([]);
    await time.passUntil(RIGHT_MS + 1);
    expect([await askWith(10), await askWith(10, 1)]).to.deep.equal([true, true]);
    expect(takes).to.have.length(2);
  });

  it("is not used, but given back, when it comes too late, by the clock or by the timers", async () => {
    await time.passUntil(RIGHT_MS + 1);
    expect(await askWith(400)).to.equal(false);
    expect(keeps).to.deep.equal([[0, takes[0]!.token, 0]]);
    const asking = consent.ask(1);
    stoppedMs = 600;
    takes[1]!.answer(true);
    await time.passUntil(time.nowMs + 1);
    expect(await asking).to.equal(false);
    expect(keeps[1]).to.deep.equal([1, takes[1]!.token, 0]);
  });

  it("is not asked for again while an answer is out", async () => {
    await time.passUntil(RIGHT_MS + 1);
    const asking = consent.ask(0);
    await time.passUntil(time.nowMs + 1500);
    expect(await asking).to.equal(false);
    expect(await consent.ask(0)).to.equal(false);
    expect(takes).to.have.length(1);
  });

  it("is nobody's when the connection ends, which is said once, until it is there again", async () => {
    await time.passUntil(RIGHT_MS + 1);
    const asking = consent.ask(0);
    lose(new Error("reset"));
    takes[0]!.answer(true);
    expect(await asking).to.equal(false);
    expect(await consent.ask(1)).to.equal(false);
    await time.passUntil(time.nowMs + 1000);
    expect(standings).to.deep.equal(["Error", undefined]);
    expect(await consent.ask(1)).to.equal(false);
    expect(takes).to.have.length(1);
  });

  it("ends its connection over a command that gets no answer, and tries again", async () => {
    await time.passUntil(RIGHT_MS + 1);
    const asking = consent.ask(0);
    await time.passUntil(time.nowMs + 2100);
    expect(await asking).to.equal(false);
    expect(standings).to.deep.equal(["timed_out"]);
    await time.passUntil(time.nowMs + RIGHT_MS + 1000);
    expect(standings).to.deep.equal(["timed_out", undefined]);
    expect(await askWith(10)).to.equal(true);
  });
});
