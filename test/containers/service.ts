import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { audit } from "../../perf/audit/audit.ts";
import { connectParties } from "../../perf/audit/parties.ts";
import type { ProcessorAdmin } from "../../perf/audit/processor-admin.ts";
import { EPOCH_MS } from "../../perf/audit/window.ts";
import { Composition, type CompositionOptions } from "../../perf/containers/composition.ts";
import type { Engine } from "../../perf/containers/engine.ts";
import { Caller } from "../e2e/caller.ts";
import { Load } from "../e2e/load.ts";
import { until } from "../e2e/until.ts";

const SERVICE_PORT = 9999;
const PROCESSOR_PORTS = { default: 8001, fallback: 8002 };
const TOKEN = "123";
const CONNECTION_COUNT = 16;
const TIMEOUT_MS = 10_000;
/** A restart, a take-over and the look-ups of what was out at a processor. */
const SETTLED_MS_MAX = 60_000;

/** A service and the simulated processors in containers, and those who pay. */
export class ContainedService {
  readonly processors: Composition;
  readonly service: Composition;
  readonly caller: Caller;
  readonly #engine: Engine;
  readonly #loads: Load[] = [];

  constructor(engine: Engine, { files, env = {} }: Omit<CompositionOptions, "project">) {
    this.#engine = engine;
    this.processors = new Composition(engine, {
      project: "rinha-test-processors",
      files: ["compose.processors.yml"],
    });
    this.service = new Composition(engine, { project: "rinha-test", files, env });
    this.caller = this.callerAt(SERVICE_PORT);
  }

  callerAt(port: number): Caller {
    return new Caller({ host: this.#engine.address, port });
  }

  startLoad(): Load {
    const load = new Load(this.caller);
    this.#loads.push(load);
    return load;
  }

  /** Ends every load, and resolves when whatever may have been accepted is settled. */
  async settle(): Promise<void> {
    for (const load of this.#loads) await load.end();
    const beganAtMs = Date.now();
    let told = "";
    const isSettled = async (): Promise<boolean> => {
      await sleep(200);
      const { status, headers, body } = await this.caller.get("/payments-summary");
      told = `status=${status} settledUntil=${headers["settled-until"]} body=${body}`;
      return status === 200 && Date.parse(String(headers["settled-until"])) >= beganAtMs;
    };
    await until("everything is settled", isSettled, SETTLED_MS_MAX).catch(async (error: Error) => {
      const { body } = await this.caller.get("/ready");
      throw new Error(`${error.message} ended=${new Date(beganAtMs).toISOString()} ${told} ready=${body}`);
    });
  }

  /** What was accepted has been charged, once, at its amount; what was refused has not; the books agree. */
  async audit(): Promise<void> {
    for (const load of this.#loads) await load.end();
    const url = (port: number): URL => new URL(`http://${this.#engine.address}:${port}`);
    const parties = connectParties(
      {
        service: url(SERVICE_PORT),
        processors: { default: url(PROCESSOR_PORTS.default), fallback: url(PROCESSOR_PORTS.fallback) },
        token: TOKEN,
      },
      CONNECTION_COUNT,
      TIMEOUT_MS,
    );
    try {
      const charged = await this.#chargedOnce(Object.values(parties.processors));
      await this.settle();
      const { agrees, findings } = await audit(parties);
      expect({ agrees, findings }).to.deep.equal({ agrees: true, findings: [] });
      const wrong = this.#loads.flatMap((load) => load.wrong);
      for (const { correlationId, cents } of this.#loads.flatMap(({ accepted }) => accepted)) {
        const all = charged.get(correlationId) ?? [];
        if (all.length !== 1 || all[0] !== BigInt(cents)) wrong.push(`accepted ${correlationId}: charged ${all}`);
      }
      for (const { correlationId } of this.#loads.flatMap(({ refused }) => refused))
        if (charged.has(correlationId)) wrong.push(`refused and charged: ${correlationId}`);
      expect(wrong).to.deep.equal([]);
    } finally {
      await parties.close();
    }
  }

  /**
   * What the processors have charged, by correlationId, as soon as all that was accepted is among it: what waits to be
   * sent is not in doubt, so Settled-Until says nothing of it. After a while, whatever there is.
   */
  async #chargedOnce(processors: readonly ProcessorAdmin[]): Promise<Map<string, bigint[]>> {
    const accepted = this.#loads.flatMap((load) => load.accepted);
    const charged = new Map<string, bigint[]>();
    const isAllCharged = async (): Promise<boolean> => {
      await sleep(200);
      charged.clear();
      for (const processor of processors) {
        for (const { correlationId, cents } of (await processor.list({ fromMs: EPOCH_MS, toMs: Date.now() })) ?? [])
          charged.set(correlationId, [...(charged.get(correlationId) ?? []), cents]);
      }
      return accepted.every(({ correlationId }) => charged.has(correlationId));
    };
    await until("everything accepted is charged", isAllCharged, SETTLED_MS_MAX).catch(() => undefined);
    return charged;
  }

  async remove(): Promise<void> {
    for (const load of this.#loads) await load.end();
    this.caller.close();
    await this.service.down("everything");
    await this.processors.down("everything");
  }
}
