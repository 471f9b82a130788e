import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startTopology, type Topology } from "../../perf/launch/topology.ts";
import { everything } from "../../perf/processor/charges.ts";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import type { ReadinessReport } from "../../server/api/readiness.ts";
import { type Answer, Caller } from "./caller.ts";
import { newPayment, type Payment, pay } from "./payments.ts";
import { ROLES, type Role } from "./service.ts";
import { summaryOf, type Totals } from "./summaries.ts";
import { until } from "./until.ts";

const CLIENT_COUNT = 8;
const THINK_MS = 5;

/** Two processors and data that outlive the instances: those begin and end, be they one or two. */
export class LastingService {
  readonly processors: Readonly<Record<Role, RunningProcessor>>;
  readonly dataDir = mkdtempSync(join(tmpdir(), "rinha-lasting-"));
  #topology: Topology | undefined;
  #callers: Caller[] = [];

  private constructor(processors: LastingService["processors"]) {
    this.processors = processors;
  }

  static async start(): Promise<LastingService> {
    return new LastingService({
      default: await startProcessor({ fee: 0.05 }),
      fallback: await startProcessor({ fee: 0.15 }),
    });
  }

  /** Starts so many instances and nginx; what dies stays down. */
  async begin(instanceCount: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#topology = await startTopology({
      port: 0,
      instanceCount,
      processorUrls: { default: this.processors.default.url, fallback: this.processors.fallback.url },
      env: { LOG_LEVEL: "silent", DATA_DIR: this.dataDir, ...env },
      autoRestart: false,
    });
    const { host, port } = this.#topology;
    const sockets = Array.from({ length: instanceCount }, (_, i) => this.topology.instanceSocket(i + 1));
    this.#callers = [{ host, port }, ...sockets.map((socketPath) => ({ socketPath }))].map(
      (target) => new Caller(target),
    );
    await this.untilAtHome();
  }

  /** Ends all instances in order. */
  async end(): Promise<void> {
    for (const caller of this.#callers.splice(0)) caller.close();
    await this.#topology?.stop();
    this.#topology = undefined;
  }

  async stop(): Promise<void> {
    await this.end();
    for (const role of ROLES) this.processors[role].close();
    rmSync(this.dataDir, { recursive: true });
  }

  get topology(): Topology {
    if (!this.#topology) throw new Error("the instances run: running=false");
    return this.#topology;
  }

  /** Through nginx. */
  get front(): Caller {
    return this.#callers[0]!;
  }

  /** Who carries each partition, as an instance, from 1, knows it. */
  async carriersAt(instance: number): Promise<(number | null)[]> {
    const { body } = await this.#callers[instance]!.get("/ready");
    return (JSON.parse(body) as ReadinessReport).partitions.map((partition) =>
      partition.state === "carried" ? partition.instance : null,
    );
  }

  async untilCarriedBy(expected: readonly number[], knownTo: readonly number[]): Promise<void> {
    await until(`the partitions are carried by ${expected}`, async () => {
      const known = await Promise.all(knownTo.map((instance) => this.carriersAt(instance)));
      return known.every((carriers) => carriers.join() === expected.join());
    });
  }

  async untilAtHome(): Promise<void> {
    if (this.topology.instanceCount === 1) await this.untilCarriedBy([1, 1], [1]);
    else await this.untilCarriedBy([1, 2], [1, 2]);
  }

  /** What the processors have charged. */
  books(): Record<Role, Totals> {
    const [first, second] = ROLES.map((role) => {
      const { charges } = this.processors[role];
      const list = charges.list(everything, 0, charges.count);
      return { count: list.length, cents: list.reduce((sum, { amountCents }) => sum + amountCents, 0) };
    });
    return { default: first!, fallback: second! };
  }

  /** Waits until so many are processed; the summary, and what the processors say of the same. */
  async settled(count: number): Promise<{ told: Record<Role, Totals>; charged: Record<Role, Totals> }> {
    const told = async (): Promise<Record<Role, Totals>> => {
      const { default: atDefault, fallback: atFallback } = await summaryOf(this.front);
      return { default: atDefault, fallback: atFallback };
    };
    await until(`${count} payments are processed`, async () => {
      const { default: atDefault, fallback: atFallback } = await told();
      return atDefault.count + atFallback.count >= count;
    });
    return { told: await told(), charged: this.books() };
  }

  /** A few clients that pay and look, each with a pause after every answer. */
  startLoad(): Load {
    return new Load(this.front);
  }
}

/** What a light load was answered. */
export class Load {
  /** Answered with any 2xx. */
  readonly accepted: Payment[] = [];
  /** All else. */
  readonly failures: string[] = [];
  #isOver = false;
  readonly #clients: Promise<void>[];

  constructor(front: Caller) {
    this.#clients = Array.from({ length: CLIENT_COUNT }, () => this.#run(front));
  }

  /** Waits for so many more to be accepted. */
  async more(count: number): Promise<void> {
    const target = this.accepted.length + count;
    await until(`${count} more payments are accepted`, () => this.accepted.length >= target);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(front: Caller): Promise<void> {
    while (!this.#isOver) {
      const payment = newPayment(100 + (this.accepted.length % 900));
      if (this.#isFine("POST", await pay(front, payment))) {
        this.accepted.push(payment);
        this.#isFine("GET", await front.get(`/payments/${payment.correlationId}`));
      }
      await sleep(THINK_MS);
    }
  }

  #isFine(what: string, { status, body }: Answer): boolean {
    const isFine = status >= 200 && status < 300;
    if (!isFine) this.failures.push(`${what} ${status} ${body}`);
    return isFine;
  }
}
