import * as State from "../../core/values/state.ts";
import { Deployment } from "./deployment.ts";
import type { Plan } from "./incident.ts";
import type { Life } from "./life.ts";
import { checkCheckpoint, checkDamage, checkRebuilt } from "./rebuilt.ts";
import { endFaults, strike } from "./strike.ts";
import { expectThat, Violation } from "./violation.ts";
import { EPOCH_MS } from "./world.ts";

/** After the last fault everything must have settled within this and the give-up age. */
const SETTLE_MS_MAX = 90_000;
/** A restart, a probe, and a backlog sent through the narrowest in-flight limit. */
const FIND_OUT_MS = 10_000;
const QUIET_CHECK_MS = 200;
/** A start, a replay that failed before and is tried again after five seconds, and a hand-over. */
const CARRIED_WITHIN_MS = 15_000;
/** Likewise, where a lease may have to lapse before a start, and another before the partition can be had. */
const CARRIED_BY_LEASE_WITHIN_MS = 25_000;
/** After the last fault a poll takes a restart, an instance that knows of no poll yet, and its turn. */
const POLL_AGAIN_MS = 18_000;
const POLLED_MS_MAX = 14_000;
/** More than any chain of promises here is long. */
const PROMISE_TURNS = 100;
/** An event loop that never ends is a finding, too. */
const EVENTS_MAX = 500_000;

export type Run = {
  seed: number;
  violation: Violation | undefined;
  eventCount: number;
  virtualMs: number;
  coverage: Coverage;
};

/** What a campaign has met, so that one that meets nothing is noticed. */
export type Coverage = typeof NO_COVERAGE;

export const NO_COVERAGE = {
  charges: 0,
  failed: 0,
  starts: 0,
  checkpoints: 0,
  broken: 0,
  /** Partitions that an instance took over after its start, and that it handed to another. */
  takeOvers: 0,
  handOvers: 0,
  /** Of the database: lives that others ended, and epochs that were raised to find out what became of an append. */
  expulsions: 0,
  raises: 0,
};

/** Runs a plan from its first incident until everything has settled, and checks every promise. */
export async function simulate(plan: Plan, trace?: string[]): Promise<Run> {
  const deployment = new Deployment(plan, trace);
  const { world } = deployment;
  let violation: Violation | undefined;
  try {
    await live(deployment, plan);
    await checkEnd(deployment);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
    world.note(() => `VIOLATION ${error.message}`);
  } finally {
    // Nothing that is still awaited goes on in the next run.
    for (const { lives } of deployment.hosts) for (const { process } of lives) process.end();
  }
  const { nowMs: virtualMs, eventCount } = world.clock;
  return { seed: plan.seed, violation, eventCount, virtualMs, coverage: coverageOf(deployment) };
}

async function live(deployment: Deployment, plan: Plan): Promise<void> {
  const { hosts, world } = deployment;
  const { clock, settings } = world;
  for (const host of hosts) clock.after(settings.startsAfterMs[host.instance] ?? 0, () => host.start());
  for (const incident of plan.incidents) clock.after(incident.atMs + 1, () => strike(deployment, incident));
  clock.after(settings.faultsEndAtMs, () => endFaults(deployment));
  const lastMs = plan.incidents.at(-1)?.atMs ?? 0;
  await pass(deployment, Math.max(lastMs, settings.faultsEndAtMs) + 1);
  if (settings.polls) await pass(deployment, settings.faultsEndAtMs + POLL_AGAIN_MS);
  const limitMs = clock.nowMs + settings.giveUpAfterMs + SETTLE_MS_MAX;
  const carriedWithinMs = settings.mode === "lease" ? CARRIED_BY_LEASE_WITHIN_MS : CARRIED_WITHIN_MS;
  let carriedAtMs = clock.nowMs;
  while (!deployment.isQuiet) {
    const { uncarried } = deployment;
    if (uncarried.length === 0) carriedAtMs = clock.nowMs;
    const isSoon = clock.nowMs - carriedAtMs < carriedWithinMs;
    expectThat(isSoon, "every partition is carried again", () => `uncarried=${uncarried} nowMs=${clock.nowMs}`);
    expectThat(clock.nowMs < limitMs, "everything settles", () => describeUnsettled(deployment));
    await pass(deployment, clock.nowMs + QUIET_CHECK_MS);
  }
}

async function pass(deployment: Deployment, untilMs: number): Promise<void> {
  const { world, database } = deployment;
  const { clock } = world;
  const { checkpoints } = database.watch!;
  while (clock.step(untilMs)) {
    if (deployment.takeSettled()) await untilNobodyGoesOn();
    for (const checkpoint of checkpoints.splice(0)) await checkCheckpoint(checkpoint, world.settings);
    if (world.violation) throw world.violation;
    expectThat(clock.eventCount < EVENTS_MAX, "event loops come to rest", () => `nowMs=${clock.nowMs}`);
  }
}

/** Until every promise that can go on has done so: far cheaper than a turn of the real event loop. */
async function untilNobodyGoesOn(): Promise<void> {
  for (let turn = 0; turn < PROMISE_TURNS; turn++) await undefined;
}

async function checkEnd(deployment: Deployment): Promise<void> {
  const { hosts, oracle, world } = deployment;
  const { mode, faultsEndAtMs, giveUpAfterMs, partitionCount, polls, wallSkewsMs } = world.settings;
  for (const { life } of hosts) life!.noteTime();
  // A wall clock that was set makes ages what they are not.
  const isClockTrue = world.wallOffsetMs === 0 && world.timeMaxMs <= world.wallMs && wallSkewsMs.length === 0;
  oracle.ended(giveUpAfterMs, isClockTrue ? EPOCH_MS + faultsEndAtMs + FIND_OUT_MS : Number.POSITIVE_INFINITY);
  for (const { life } of hosts) if (polls) checkPolled(life!);
  for (let partition = 0; partition < partitionCount; partition++)
    await checkRebuilt(deployment.carrierOf(partition)!.books.engine.ledger, deployment, partition);
  if (mode === "journal" && world.random.chance(0.3)) checkDamage(deployment, world.random.below(partitionCount));
}

/** Whoever polled, everybody knows. */
function checkPolled(life: Life): void {
  for (let processor = 0; processor < life.ways.gates.length; processor++) {
    const msAgo = life.polledMsAgo(processor);
    const name = () => `instance=${life.process.instance} processor=${processor} msAgo=${msAgo}`;
    expectThat(msAgo <= POLLED_MS_MAX, "the processors are polled, and all know the result", name);
  }
}

function describeUnsettled({ clients, hosts, world }: Deployment): string {
  const counts = hosts.map(({ serving }) => {
    if (!serving) return "down";
    const carried = serving.carried.map(({ number, books }) => {
      const { ledger } = books.engine;
      return `${number}:${[1, 2, 3, 4, 5].map((state) => ledger.countIn(state)).join("/")}`;
    });
    return `[${carried.join(" ")} requests=${serving.requestCount} open=${serving.openCount}]`;
  });
  return `nowMs=${world.clock.nowMs} states=${counts.join(" ")} clients=${clients.openCount}`;
}

function coverageOf({ database, disk, hosts, processors }: Deployment): Coverage {
  const countOf = (statement: string): number => database.committedCounts.get(statement) ?? 0;
  const coverage = {
    ...NO_COVERAGE,
    checkpoints: disk.publishedCount + countOf("finish checkpoint"),
    expulsions: countOf("expel"),
    raises: countOf("raise"),
  };
  for (const processor of processors) coverage.charges += processor.charges.size;
  for (const host of hosts) {
    const { custody } = host.life ?? {};
    coverage.starts += host.startCount;
    coverage.broken += host.brokenCount;
    coverage.takeOvers += host.takeOverCount + (custody?.takeOverCount ?? 0);
    coverage.handOvers += host.handOverCount + (custody?.handOverCount ?? 0);
    for (const { books } of host.life?.carried ?? []) coverage.failed += books.engine.ledger.countIn(State.FAILED);
  }
  return coverage;
}
