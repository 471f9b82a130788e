import { randomBytes } from "node:crypto";
import { startTopology, type Topology } from "../../perf/launch/topology.ts";
import { Caller } from "./caller.ts";
import { bodyOf, type Payment } from "./payments.ts";
import { RecordingProcessor } from "./recording-processor.ts";
import { ROLES, type Role } from "./service.ts";

/** nginx, two instances, and processors that note the trace context they are sent. */
export class TracedService {
  readonly topology: Topology;
  readonly processors: Readonly<Record<Role, RecordingProcessor>>;
  readonly front: Caller;
  readonly instances: readonly Caller[];
  /** What the instances wrote. */
  readonly output: readonly string[];

  private constructor(topology: Topology, processors: TracedService["processors"], output: readonly string[]) {
    this.topology = topology;
    this.processors = processors;
    this.output = output;
    this.front = new Caller({ host: topology.host, port: topology.port });
    this.instances = [1, 2].map((instance) => new Caller({ socketPath: topology.instanceSocket(instance) }));
  }

  static async start(env: Readonly<Record<string, string>>): Promise<TracedService> {
    const processors = { default: await RecordingProcessor.start(), fallback: await RecordingProcessor.start() };
    const output: string[] = [];
    try {
      const topology = await startTopology({
        port: 0,
        processorUrls: { default: processors.default.url, fallback: processors.fallback.url },
        // Quick to export, so that tests do not wait for a batch to fill.
        env: { LOG_LEVEL: "warn", OTEL_BSP_SCHEDULE_DELAY: "50", ...env },
        autoRestart: false,
        hooks: {
          onLine(name, _stream, line) {
            if (name.startsWith("instance-")) output.push(line);
          },
        },
      });
      return new TracedService(topology, processors, output);
    } catch (error) {
      for (const role of ROLES) processors[role].close();
      throw error;
    }
  }

  /** Sends a payment with the headers given. */
  post(payment: Payment, headers: Record<string, string> = {}, caller = this.front) {
    return caller.ask("POST", "/payments", { body: bodyOf(payment), headers });
  }

  pids(): number[] {
    return this.topology.processes
      .filter(({ name }) => name.startsWith("instance-"))
      .map(({ pid }) => pid!)
      .filter((pid) => pid !== undefined);
  }

  async stop(): Promise<void> {
    for (const caller of [this.front, ...this.instances]) caller.close();
    await this.topology.stop();
    for (const role of ROLES) this.processors[role].close();
  }
}

/** A client's trace context, as it sends it. */
export function newContext(isSampled = true): { traceId: string; spanId: string; traceparent: string } {
  const traceId = randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-0${isSampled ? 1 : 0}` };
}
