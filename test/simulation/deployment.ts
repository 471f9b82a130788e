import type { Engine } from "../../core/engine.ts";
import * as State from "../../core/values/state.ts";
import type { Partition } from "../../server/partition/partition.ts";
import { Random } from "../support/random.ts";
import { namesOf } from "../support/terms.ts";
import { BulletinStreams } from "./bulletin-streams.ts";
import { Clients } from "./clients.ts";
import { Host } from "./host.ts";
import type { Plan } from "./incident.ts";
import type { Life } from "./life.ts";
import { LinkCalls } from "./link-calls.ts";
import { LogWatch } from "./log-watch.ts";
import { Oracle } from "./oracle.ts";
import { expectThat, Violation } from "./violation.ts";
import { VirtualDatabase } from "./virtual-database.ts";
import { VirtualDisk } from "./virtual-disk.ts";
import { VirtualNetwork } from "./virtual-network.ts";
import { VirtualProcessor } from "./virtual-processor.ts";
import { World } from "./world.ts";

/** Besides the in-flight limit: a probe of each kind and the lookups. */
const REQUESTS_BEYOND_LIMIT = 18;

/**
 * Some instances on one machine, whose disk they share, and some processors; the network between them, the clients, and
 * whoever watches.
 */
export class Deployment {
  readonly world: World;
  readonly processors: readonly VirtualProcessor[];
  readonly network: VirtualNetwork;
  /** What partitions are kept in: one of the two is used. */
  readonly disk = new VirtualDisk();
  readonly database: VirtualDatabase;
  readonly streams: BulletinStreams;
  readonly calls: LinkCalls;
  readonly hosts: readonly Host[];
  readonly oracle: Oracle;
  readonly clients: Clients;

  /** `trace` collects a line for everything that happens. */
  constructor({ seed, settings }: Plan, trace?: string[]) {
    this.world = new World(seed, settings, trace);
    const { world } = this;
    this.processors = namesOf(settings.processorCount).map((name, processor) => {
      return new VirtualProcessor(world, (charge) => {
        world.note(() => `${name} charges payment ${charge.payment}`);
        this.oracle.charged(processor, charge);
      });
    });
    this.network = new VirtualNetwork(world, this.processors);
    this.database = new VirtualDatabase({
      partitionCount: settings.partitionCount,
      random: new Random(seed ^ 0xdb),
      wallMs: () => world.wallMs,
      after: (delayMs, run) => world.clock.after(delayMs, run),
      callTimeoutMs: settings.callTimeoutMs,
      watch: new LogWatch(),
    });
    this.streams = new BulletinStreams(world);
    this.calls = new LinkCalls(world);
    this.oracle = new Oracle({
      seed,
      world,
      instanceCount: settings.instanceCount,
      partitionCount: settings.partitionCount,
      retains: settings.retainCount > 0,
      chargesAt: this.processors.map(({ charges }) => charges),
      engineOf: (partition) => this.carrierOf(partition)!.books.engine,
      areAllCarried: () => this.uncarried.length === 0,
    });
    this.hosts = Array.from({ length: settings.instanceCount }, (_, instance) => this.#host(instance));
    const { hosts, oracle, processors } = this;
    this.clients = new Clients({ world, hosts, oracle, processors });
  }

  /** Whoever carries the partition now; not one that has lost it and does not know. */
  carrierOf(partition: number): Partition | undefined {
    let latest: Partition | undefined;
    for (const { lives } of this.hosts) {
      for (const { custody } of lives) {
        const carried = custody?.at(partition);
        if (carried && carried.epoch > (latest?.epoch ?? 0)) latest = carried;
      }
    }
    return latest;
  }

  get uncarried(): number[] {
    const { partitionCount } = this.world.settings;
    const all = Array.from({ length: partitionCount }, (_, partition) => partition);
    return all.filter((partition) => !this.carrierOf(partition));
  }

  /** Whether nothing is left to be done by anybody. */
  get isQuiet(): boolean {
    if (this.clients.openCount > 0 || !this.network.isQuiet || this.uncarried.length > 0) return false;
    return this.hosts.every(({ serving, second }) => !second && serving !== undefined && isIdle(serving));
  }

  /** Whether who awaits something must go on before the next event. */
  takeSettled(): boolean {
    const { world } = this;
    const hasSettled = world.hasSettled || this.hosts.some(({ life }) => life?.isAwaited);
    world.hasSettled = false;
    return hasSettled;
  }

  /** All processes of the machine end at once. */
  killAll(downMs: number): void {
    for (const host of this.hosts) {
      host.endSecond();
      host.kill(downMs);
    }
  }

  losePower(downMs: number): void {
    this.killAll(downMs);
    this.world.note(() => "the machine loses power");
    this.disk.losePower(this.world.random);
  }

  #host(instance: number): Host {
    const others = Array.from({ length: this.world.settings.instanceCount }, (_, i) => i).filter((i) => i !== instance);
    const { world, disk, database, network, streams, calls, oracle } = this;
    return new Host({
      world,
      instance,
      disk,
      database,
      network,
      streams,
      calls,
      oracle,
      peers: others.map((other) => () => this.hosts[other]!.listener),
      onStarted: () => world.note(() => `instance ${instance} serves`),
      noteTimes: () => {
        for (const host of this.hosts) for (const life of host.lives) life.noteTime();
      },
      onCarriers: () => this.#expectOneCarrier(),
      onCustody: () => this.#noteCustody(instance),
      observe: (life) => this.#observe(life),
    });
  }

  #expectOneCarrier(): void {
    const { world } = this;
    const lives = this.hosts.flatMap((host) => host.lives);
    for (let partition = 0; partition < world.settings.partitionCount; partition++) {
      const count = lives.filter((life) => life.isCarrying(partition)).length;
      if (count > 1)
        world.violation ??= new Violation("a partition has one carrier", `partition=${partition} carriers=${count}`);
    }
  }

  #noteCustody(instance: number): void {
    this.#expectOneCarrier();
    const carriages = () => this.hosts[instance]!.lives.flatMap(({ custody }) => custody?.carriages() ?? []);
    this.world.note(() => {
      const words = carriages().map(({ partition, epoch, state }) => `${partition} ${state} (epoch ${epoch})`);
      return `instance ${instance} says: ${words.join(", ") || "nothing carried"}`;
    });
  }

  #observe(life: Life): void {
    for (const { books } of life.carried) this.#observeEngine(books.engine);
    const { ways } = life;
    const requestMax = this.world.settings.maxInFlight + REQUESTS_BEYOND_LIMIT;
    for (const [processor, { inFlightCount }] of ways.gates.entries()) {
      const openCount = ways.flights.openCount(processor);
      const openMax = Math.max(ways.flights.quota, life.openCountsMax[processor]!);
      expectThat(openCount <= openMax, "flights keep to their quota", () => `openCount=${openCount}`);
      life.openCountsMax[processor] = openCount;
      const isWithin = inFlightCount >= 0 && inFlightCount <= requestMax;
      expectThat(isWithin, "requests keep to their limit", () => `inFlight=${inFlightCount} processor=${processor}`);
    }
  }

  #observeEngine({ batch, ledger }: Engine): void {
    const { capacity } = this.world.settings;
    expectThat(!batch.isHalfFull, "batches are written in time", () => `count=${batch.count}`);
    expectThat(ledger.size <= capacity, "the ledger keeps to its capacity", () => `size=${ledger.size}`);
  }
}

/** What it has left has given its places back, too. */
function isIdle(life: Life): boolean {
  return life.requestCount === 0 && life.openCount === 0 && life.carried.every(isSettled);
}

function isSettled({ books: { engine, commit } }: Partition): boolean {
  const { ledger } = engine;
  const unsettled = ledger.countIn(State.PENDING) + ledger.countIn(State.SENDING) + ledger.countIn(State.IN_DOUBT);
  return unsettled === 0 && engine.batch.count === 0 && commit.isSettled && !commit.isFailing;
}
