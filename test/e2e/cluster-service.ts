import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { PostgresServer } from "../../perf/postgres/postgres-server.ts";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import { runPostgresProgram } from "../support/postgres-programs.ts";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { chargesOf, type Payment, pay, viewOf } from "./payments.ts";
import { ROLES, type Role } from "./service.ts";
import { countOf, summaryOf } from "./summaries.ts";
import { until } from "./until.ts";
import { Wire } from "./wire.ts";

/** Of what the instances have logged, where one does not start. */
const LOG_SHOWN = 4000;

type Instance = { child: ChildProcess; caller: Caller };

/** Instances over a store on PostgreSQL, and two processors behind wires that can be cut. */
export class ClusterService {
  readonly processors: Readonly<Record<Role, RunningProcessor>>;
  readonly wires: Readonly<Record<Role, Wire>>;
  readonly directory = mkdtempSync(join(tmpdir(), "rinha-cluster-"));
  /** What the instances have logged. */
  log = "";
  readonly #server: PostgresServer;
  #instances: Instance[] = [];
  #lifeCount = 0;

  private constructor(
    server: PostgresServer,
    processors: ClusterService["processors"],
    wires: ClusterService["wires"],
  ) {
    this.#server = server;
    this.processors = processors;
    this.wires = wires;
  }

  static async start(server: PostgresServer): Promise<ClusterService> {
    const processors = { default: await startProcessor({ fee: 0.05 }), fallback: await startProcessor({ fee: 0.15 }) };
    const wires = {
      default: await Wire.to(processors.default.port),
      fallback: await Wire.to(processors.fallback.port),
    };
    return new ClusterService(server, processors, wires);
  }

  /** The first instance. */
  get caller(): Caller {
    return this.#instances[0]!.caller;
  }

  get callers(): readonly Caller[] {
    return this.#instances.map(({ caller }) => caller);
  }

  /** Resolves when all of them serve, and partitions are shared among them. */
  async startInstances(count: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const life = join(this.directory, `life-${++this.#lifeCount}`);
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    const starts = numbers.map((number) => this.#startInstance(life, number, env));
    this.#instances = await Promise.all(starts).catch((error: Error) => {
      throw new Error(`${error.message} log=${this.log.slice(-LOG_SHOWN)}`);
    });
    const shares = `SELECT count(DISTINCT p.life)::int AS count, bool_and(m.life IS NOT NULL) AS is_whole
      FROM rinha.partition p LEFT JOIN rinha.member m USING (life)`;
    await until("all carry partitions", async () => {
      const [row] = await this.#server.query(shares);
      return row!["count"] === count && row!["is_whole"] === true;
    });
    await until("the whole service answers", async () => {
      return (await this.caller.get("/payments-summary")).status === 200;
    });
  }

  async #startInstance(life: string, number: number, env: Readonly<Record<string, string>>): Promise<Instance> {
    const directory = join(life, String(number));
    mkdirSync(directory, { recursive: true });
    const { child, socketPath } = await startLoneInstance(directory, "pipe", {
      DATA_DIR: "",
      STORE_URL: this.#server.url,
      INSTANCE: String(number),
      LINK: `unix:${join(directory, "link")}`,
      CAPACITY: "20000",
      ...this.processorVariables,
      ...env,
    });
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.log += text;
    });
    return { child, caller: new Caller({ socketPath }) };
  }

  get processorVariables(): Record<string, string> {
    return {
      DEFAULT_PROCESSOR_URL: this.wires.default.url,
      FALLBACK_PROCESSOR_URL: this.wires.fallback.url,
      REQUEST_TIMEOUT_MS: "500",
    };
  }

  async endInstances(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const instances = this.#instances.splice(0);
    await Promise.all(
      instances.map(async ({ child, caller }) => {
        caller.close();
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, "exit");
        child.kill(signal);
        await ended;
      }),
    );
  }

  async setWires(state: Parameters<Wire["set"]>[0]): Promise<void> {
    for (const role of ROLES) await this.wires[role].set(state);
  }

  /** Sends payments, again where a partition is changing hands, as clients do. All of them are taken. */
  async payAll(payments: readonly Payment[]): Promise<void> {
    const statuses = await Promise.all(payments.map((payment) => this.#payUntilTaken(payment)));
    expect(statuses.filter((status) => status !== 200 && status !== 202)).to.deep.equal([]);
  }

  async #payUntilTaken(payment: Payment): Promise<number> {
    let status = 503;
    await until("a payment is taken", async () => {
      ({ status } = await pay(this.caller, payment));
      return status !== 503;
    });
    return status;
  }

  /** A payment as the service tells it; asked again where a partition is changing hands. */
  async viewOf(payment: { correlationId: string }): Promise<PaymentView> {
    let view: PaymentView | undefined;
    await until("the payment is told", async () => {
      view = await viewOf(this.caller, payment).catch(() => undefined);
      return view !== undefined;
    });
    return view!;
  }

  async untilState(payments: readonly Payment[], state: string): Promise<PaymentView[]> {
    const views: PaymentView[] = [];
    for (const payment of payments) {
      await until(`a payment is ${state}`, async () => (await this.viewOf(payment)).state === state);
      views.push(await this.viewOf(payment));
    }
    return views;
  }

  /** Payments that are counted; -1 while nobody can say, as on a busy machine for a moment. */
  async processedCount(): Promise<number> {
    return summaryOf(this.caller).then(countOf, () => -1);
  }

  /** A backup of the whole database, while it is in use; returns its file. */
  async backUp(): Promise<string> {
    const file = join(this.directory, "backup.sql");
    await runPostgresProgram(this.#server, "pg_dump", ["-f", file]);
    return file;
  }

  /** Puts a backup in the place of the database. Nobody uses it. */
  async putBack(file: string): Promise<void> {
    await this.#server.query("DROP SCHEMA rinha CASCADE");
    await runPostgresProgram(this.#server, "psql", ["-q", "-v", "ON_ERROR_STOP=1", "-f", file]);
  }

  /** Every payment is counted where it is charged, at the requestedAt that its processor has, and nothing else is. */
  async expectBooksAgree(): Promise<void> {
    const summary = await summaryOf(this.caller);
    const atFallback = chargesOf(this.processors.fallback);
    const twice = [...chargesOf(this.processors.default).keys()].filter((id) => atFallback.has(id));
    expect(twice, "charged twice").to.deep.equal([]);
    for (const role of ROLES) {
      const charges = chargesOf(this.processors[role]);
      const cents = [...charges.values()].reduce((sum, charge) => sum + charge.cents, 0);
      expect(summary[role], role).to.deep.equal({ count: charges.size, cents });
      for (const [correlationId, { requestedAt }] of charges) {
        const view = await viewOf(this.caller, { correlationId });
        expect(view).to.include({ state: "processed", processor: role, requestedAt });
      }
    }
  }

  async stop(): Promise<void> {
    await this.endInstances();
    for (const role of ROLES) {
      await this.wires[role].close();
      this.processors[role].close();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
