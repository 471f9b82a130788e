import type { Engine } from "../../core/engine.ts";
import * as State from "../../core/values/state.ts";
import { namesOf } from "../support/terms.ts";
import { Clients } from "./clients.ts";
import { Host } from "./host.ts";
import type { Plan } from "./incident.ts";
import type { Life } from "./life.ts";
import { Oracle } from "./oracle.ts";
import { expectThat } from "./violation.ts";
import { VirtualNetwork } from "./virtual-network.ts";
import { VirtualProcessor } from "./virtual-processor.ts";
import { World } from "./world.ts";

/** Besides the in-flight limit: a probe of each kind and the lookups. */
const REQUESTS_BEYOND_LIMIT = 18;

/** Some instances and processors, the network between them, the clients, and whoever watches. */
export class Deployment {
  readonly world: World;
  readonly processors: readonly VirtualProcessor[];
  readonly network: VirtualNetwork;
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
    this.hosts = Array.from({ length: settings.instanceCount }, (_, instance) => this.#host(instance));
    this.oracle = new Oracle({
      seed,
      instanceCount: settings.instanceCount,
      retains: settings.retainCount > 0,
      chargesAt: this.processors.map(({ charges }) => charges),
      engineOf: (instance) => this.hosts[instance]!.life!.engine,
    });
    const { hosts, oracle, processors } = this;
    this.clients = new Clients({ world, hosts, oracle, processors });
  }

  /** Whether nothing is left to be done by anybody. */
  get isQuiet(): boolean {
    if (this.clients.openCount > 0 || !this.network.isQuiet) return false;
    return this.hosts.every(({ serving }) => serving !== undefined && isIdle(serving));
  }

  /** Whether who awaits something must go on before the next event. */
  takeSettled(): boolean {
    const { world } = this;
    const hasSettled = world.hasSettled || this.hosts.some(({ life }) => life?.isAwaited);
    world.hasSettled = false;
    return hasSettled;
  }

  #host(instance: number): Host {
    const others = Array.from({ length: this.world.settings.instanceCount }, (_, i) => i).filter((i) => i !== instance);
    return new Host({
      world: this.world,
      instance,
      network: this.network,
      peers: others.map((other) => () => this.hosts[other]!.listener),
      onStarted: () => this.oracle.started(instance),
      observe: (engine) => this.#observe(engine),
    });
  }

  #observe({ batch, flights, gates, ledger }: Engine): void {
    const { maxInFlight, capacity } = this.world.settings;
    expectThat(!batch.isHalfFull, "batches are written in time", () => `count=${batch.count}`);
    expectThat(ledger.size <= capacity, "the ledger keeps to its capacity", () => `size=${ledger.size}`);
    const requestMax = maxInFlight + REQUESTS_BEYOND_LIMIT;
    for (const [processor, { inFlightCount }] of gates.entries()) {
      const openCount = flights.openCount(processor);
      expectThat(openCount <= flights.quota, "flights keep to their quota", () => `openCount=${openCount}`);
      const isWithin = inFlightCount >= 0 && inFlightCount <= requestMax;
      expectThat(isWithin, "requests keep to their limit", () => `inFlight=${inFlightCount} processor=${processor}`);
    }
  }
}

function isIdle(life: Life): boolean {
  const { ledger } = life.engine;
  const unsettled = ledger.countIn(State.PENDING) + ledger.countIn(State.SENDING) + ledger.countIn(State.IN_DOUBT);
  return unsettled === 0 && life.requestCount === 0 && !life.isWriting;
}
