import { Ledger } from "../../core/ledger/ledger.ts";
import * as State from "../../core/values/state.ts";
import type { Plan } from "./plan.ts";
import { endFaults, strike } from "./strike.ts";
import { expectThat, Violation } from "./violation.ts";
import type { VirtualHost } from "./virtual-host.ts";
import { VirtualRecovery } from "./virtual-recovery.ts";
import { EPOCH_MS, expectedOf, World } from "./world.ts";

/** After the last fault everything must have settled within this and the give-up age. */
const SETTLE_MS_MAX = 90_000;
/** A restart, a probe, and a backlog sent through the narrowest in-flight limit. */
const FIND_OUT_MS = 10_000;
const QUIET_CHECK_MS = 200;
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
export type Coverage = { charges: number; failed: number; starts: number; checkpoints: number };

/** Runs a plan from its first incident until everything has settled, and checks every promise. */
export function simulate(plan: Plan, trace?: string[]): Run {
  const world = new World(plan, trace);
  let violation: Violation | undefined;
  const restore = virtualizeImmediates(world);
  try {
    live(world, plan);
    checkEnd(world);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
    world.note(() => `VIOLATION ${error.message}`);
  } finally {
    restore();
  }
  const { nowMs: virtualMs, eventCount } = world.clock;
  return { seed: plan.seed, violation, eventCount, virtualMs, coverage: coverageOf(world) };
}

/** The end of an event loop's turn is the only thing the product's group commit takes from its surroundings. */
function virtualizeImmediates(world: World): () => void {
  const real = globalThis.setImmediate;
  const virtual = (body: () => void): void => world.running!.atEndOfTurn(body);
  globalThis.setImmediate = virtual as unknown as typeof setImmediate;
  return () => {
    globalThis.setImmediate = real;
  };
}

function live(world: World, plan: Plan): void {
  const { clock, hosts, settings } = world;
  for (const host of hosts) clock.after(0, () => host.start());
  for (const incident of plan.incidents) clock.after(incident.atMs + 1, () => strike(world, incident));
  clock.after(settings.faultsEndAtMs, () => endFaults(world));
  const lastMs = plan.incidents.at(-1)?.atMs ?? 0;
  pass(world, Math.max(lastMs, settings.faultsEndAtMs) + 1);
  const limitMs = clock.nowMs + settings.giveUpAfterMs + SETTLE_MS_MAX;
  while (!world.isQuiet) {
    expectThat(clock.nowMs < limitMs, "everything settles", () => describeUnsettled(world));
    pass(world, clock.nowMs + QUIET_CHECK_MS);
  }
}

function pass(world: World, untilMs: number): void {
  const { clock } = world;
  while (clock.step(untilMs)) {
    expectThat(clock.eventCount < EVENTS_MAX, "event loops come to rest", () => `nowMs=${clock.nowMs}`);
  }
}

function checkEnd(world: World): void {
  const { faultsEndAtMs, giveUpAfterMs } = world.settings;
  // A wall clock that was set makes ages what they are not.
  const isClockTrue = world.wallOffsetMs === 0 && world.timeMaxMs <= world.wallMs;
  world.oracle.ended(giveUpAfterMs, isClockTrue ? EPOCH_MS + faultsEndAtMs + FIND_OUT_MS : Number.POSITIVE_INFINITY);
  for (const host of world.hosts) checkRebuilt(world, host);
}

/** The log is the truth: a ledger built from the disk once more is the ledger in memory. */
function checkRebuilt(world: World, host: VirtualHost): void {
  const { ledger } = host.engine;
  const rebuilt = new Ledger(world.settings.capacity, 1);
  try {
    new VirtualRecovery(host.disk.copy()).recover(rebuilt, expectedOf(host.instance));
  } catch (error) {
    throw new Violation("a restart finds its journal in order", String(error));
  }
  const same = (what: string, live: number, again: number) =>
    expectThat(live === again, "memory is what the log says", () => `${what} live=${live} rebuilt=${again}`);
  same("tail", ledger.tail, rebuilt.tail);
  same("head", ledger.head, rebuilt.head);
  for (let state = State.FREE; state <= State.FAILED; state++)
    same("count", ledger.countIn(state), rebuilt.countIn(state));
  for (let sequence = ledger.tail; sequence < ledger.head; sequence++) {
    const slot = ledger.slotOf(sequence);
    same("state", ledger.rows.state[slot]!, rebuilt.rows.state[slot]!);
    same("cents", ledger.rows.cents[slot]!, rebuilt.rows.cents[slot]!);
    same("outcome", ledger.rows.outcome[slot]!, rebuilt.rows.outcome[slot]!);
    same("attempts", ledger.rows.attemptCount[slot]!, rebuilt.rows.attemptCount[slot]!);
    same("acceptedAt", ledger.rows.acceptedAtMs[slot]!, rebuilt.rows.acceptedAtMs[slot]!);
    if (ledger.rows.state[slot] !== State.PROCESSED) continue;
    same("processor", ledger.rows.processor[slot]!, rebuilt.rows.processor[slot]!);
    same("requestedAt", ledger.rows.requestedAtMs(slot), rebuilt.rows.requestedAtMs(slot));
    same("processedAt", ledger.rows.processedAtMs(slot), rebuilt.rows.processedAtMs(slot));
  }
}

function describeUnsettled(world: World): string {
  const counts = world.hosts.map(({ life }) => {
    if (!life) return "down";
    const { ledger } = life.engine;
    return [1, 2, 3, 4, 5].map((state) => ledger.countIn(state)).join("/");
  });
  return `nowMs=${world.clock.nowMs} states=${counts.join(" ")} clients=${world.clients.openCount}`;
}

function coverageOf(world: World): Coverage {
  const coverage = { charges: 0, failed: 0, starts: 0, checkpoints: 0 };
  for (const processor of world.processors) coverage.charges += processor.charges.size;
  for (const { life, startCount } of world.hosts) {
    coverage.starts += startCount;
    coverage.failed += life?.engine.ledger.countIn(State.FAILED) ?? 0;
    coverage.checkpoints += life?.checkpointer?.writtenCount ?? 0;
  }
  return coverage;
}
