import type { Expected } from "../../core/log/recovery-plan.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import { MAX_AMOUNT_CENTS } from "../../core/values/money.ts";
import { PROCESSOR_COUNT, PROCESSOR_NAMES } from "../../core/values/processor.ts";
import * as State from "../../core/values/state.ts";
import { Random } from "../support/random.ts";
import { Clients } from "./client.ts";
import { INSTANCE_COUNT, Oracle } from "./oracle.ts";
import type { Plan, Settings } from "./plan.ts";
import { expectThat } from "./violation.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { type Life, VirtualHost } from "./virtual-host.ts";
import { type Question, VirtualNetwork, type VirtualRequest } from "./virtual-network.ts";
import { VirtualProcessor } from "./virtual-processor.ts";

/** When every run begins, since the epoch. */
export const EPOCH_MS = Date.UTC(2025, 6, 15, 12);

/** Besides the in-flight limit: a probe of each kind and the lookups. */
const REQUESTS_BEYOND_LIMIT = 18;

/** Two instances, two processors, the network between them, the clients, and whoever watches. */
export class World {
  readonly settings: Settings;
  readonly random: Random;
  readonly clock = new VirtualClock();
  readonly processors: readonly VirtualProcessor[];
  readonly network: VirtualNetwork;
  readonly hosts: readonly VirtualHost[];
  readonly oracle: Oracle;
  readonly clients: Clients;
  /** Whose code runs now. */
  running: Life | undefined;
  /** For how long a kill in a disk operation keeps the instance down. */
  readonly downMsOfKill = new Array<number>(INSTANCE_COUNT).fill(0);
  wallOffsetMs = 0;
  /** The latest time anybody was told of. */
  timeMaxMs = EPOCH_MS;
  readonly #trace: string[] | undefined;

  /** `trace` collects a line for everything that happens. */
  constructor(plan: Plan, trace?: string[]) {
    const { settings } = plan;
    this.settings = settings;
    this.#trace = trace;
    this.random = new Random(plan.seed ^ 0x5eed);
    const hosts = () => this.hosts;
    this.oracle = new Oracle(plan.seed, settings.retainCount > 0, () => this.processors, hosts);
    this.processors = Array.from({ length: PROCESSOR_COUNT }, (_, processor) => {
      return new VirtualProcessor(this.clock, settings.processorPlaces, settings.processorQueue, (charge) => {
        this.note(() => `${PROCESSOR_NAMES[processor]} charges payment ${charge.payment}`);
        this.oracle.charged(processor, charge);
      });
    });
    this.network = new VirtualNetwork(this.clock, this.random, this.processors);
    this.hosts = Array.from({ length: INSTANCE_COUNT }, (_, instance) => new VirtualHost(this, instance));
    this.clients = new Clients(this);
  }

  get wallMs(): number {
    return EPOCH_MS + this.clock.nowMs + this.wallOffsetMs;
  }

  /** Whether nothing is left to be done by anybody. */
  get isQuiet(): boolean {
    if (this.clients.openCount > 0 || this.network.underWayCount > 0) return false;
    return this.hosts.every(({ life }) => life !== undefined && isIdle(life));
  }

  note(line: () => string): void {
    this.#trace?.push(`${String(this.clock.nowMs).padStart(7)} ms  ${line()}`);
  }

  /** An instance hands a request to the network. */
  send(life: Life, question: Question, request: VirtualRequest): void {
    const { processor, charge, how } = question;
    this.note(() => {
      const what = how === FlightState.LOOKING_UP ? "looks up" : "sends";
      return `instance ${life.instance} ${what} payment ${charge.payment} ${PROCESSOR_NAMES[processor]}`;
    });
    this.network.send(question, request);
  }

  /** Looks whether an instance keeps within its bounds. */
  observe(life: Life): void {
    const { engine } = life;
    const { batch, flights, router, ledger } = engine;
    const { maxInFlight, capacity } = this.settings;
    expectThat(!batch.isHalfFull, "batches are written in time", () => `count=${batch.count}`);
    expectThat(ledger.size <= capacity, "the ledger keeps to its capacity", () => `size=${ledger.size}`);
    const requestMax = maxInFlight + REQUESTS_BEYOND_LIMIT;
    for (let processor = 0; processor < PROCESSOR_COUNT; processor++) {
      const { inFlightCount } = router.gates[processor]!;
      const openCount = flights.openCount(processor);
      expectThat(openCount <= flights.quota, "flights keep to their quota", () => `openCount=${openCount}`);
      const isWithin = inFlightCount >= 0 && inFlightCount <= requestMax;
      expectThat(isWithin, "requests keep to their limit", () => `inFlight=${inFlightCount} processor=${processor}`);
    }
  }
}

/** What the journal of an instance must say of itself. */
export function expectedOf(instance: number): Expected {
  return { partition: instance, partitionCount: INSTANCE_COUNT, processors: PROCESSOR_NAMES };
}

/** An amount that is not the payment's. */
export function otherAmount(cents: number): number {
  return cents === MAX_AMOUNT_CENTS ? cents - 1 : cents + 1;
}

function isIdle(life: Life): boolean {
  const { ledger } = life.engine;
  const unsettled = ledger.countIn(State.PENDING) + ledger.countIn(State.SENDING) + ledger.countIn(State.IN_DOUBT);
  return unsettled === 0 && life.requestCount === 0 && !life.isWriting;
}
