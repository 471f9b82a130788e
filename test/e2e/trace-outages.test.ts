import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Collector, deadEndpoint } from "../server/telemetry/collector.ts";
import { loadedModules } from "./loaded-modules.ts";
import { newPayment, payMany, untilState } from "./payments.ts";
import { residentMb } from "./process-resources.ts";
import { TracedService } from "./traced-service.ts";
import { until } from "./until.ts";

const ROUNDS = 12;
const PAYMENTS_PER_ROUND = 1200;
/** Small, so that it overflows many times over. */
const QUEUE = { OTEL_BSP_MAX_QUEUE_SIZE: "64", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "32" };
/** A request and a payment each; and every request to a processor has one. */
const SPANS_PER_PAYMENT = 2;
/** More than garbage that waits to be collected, less than what the spans of all rounds would take. */
const GROWTH_MB_MAX = 18;
/** The last batch gets one second; the rest is what every stop takes, on a busy machine. */
const STOP_MS_MAX = 4000;

type Lost = { exported: number; failed: number; dropped: number; unsent: number };

function messagesOf(service: TracedService): (Lost & { msg: string })[] {
  return service.output
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Lost & { msg: string });
}

/** Sends payments in rounds; returns how much memory the instances took from the second round to the last. */
async function growthMb(service: TracedService): Promise<number> {
  const used = (): number => Math.max(...service.pids().map(residentMb));
  let beforeMb = 0;
  for (let round = 0; round < ROUNDS; round++) {
    if (round === 2) beforeMb = used();
    await payMany(
      service.front,
      Array.from({ length: PAYMENTS_PER_ROUND }, () => newPayment()),
    );
  }
  // On a busy machine some go to the other one.
  const { default: cheaper, fallback } = service.processors;
  const sent = () => [...cheaper.received, ...fallback.received].filter(({ method }) => method === "POST").length;
  await until("all payments are sent", () => sent() >= ROUNDS * PAYMENTS_PER_ROUND);
  return used() - beforeMb;
}

/** Stops both instances; returns what each says it lost. */
async function stopped(service: TracedService): Promise<Lost[]> {
  for (const name of ["instance-1", "instance-2"] as const) {
    const beganMs = performance.now();
    await service.topology.kill(name, "SIGTERM");
    expect(performance.now() - beganMs, name).to.be.below(STOP_MS_MAX);
  }
  return messagesOf(service).filter(({ msg }) => msg === "spans were lost");
}

function expectAllAccountedFor(service: TracedService, lost: readonly Lost[]): void {
  expect(lost).to.have.length(2);
  const spans = lost.reduce(
    (sum, { exported, failed, dropped, unsent }) => sum + exported + failed + dropped + unsent,
    0,
  );
  const { default: cheaper, fallback } = service.processors;
  const requestCount = cheaper.received.length + fallback.received.length;
  const expected = ROUNDS * PAYMENTS_PER_ROUND * SPANS_PER_PAYMENT + requestCount;
  // What was not heard, or not said any more, makes some more.
  expect(spans).to.be.within(expected, expected + 100);
  for (const { dropped } of lost) expect(dropped).to.be.above(0);
}

describe("traces without a collector that works", function () {
  this.timeout(90_000);
  let service: TracedService;
  let collector: Collector | undefined;

  afterEach(async () => {
    await service?.stop();
    collector?.stop();
    collector = undefined;
  });

  it("cost spans and nothing else when it is dead: payments, memory and the end as ever, losses counted", async () => {
    service = await TracedService.start({ OTEL_EXPORTER_OTLP_ENDPOINT: await deadEndpoint(), ...QUEUE });
    expect(await growthMb(service)).to.be.below(GROWTH_MB_MAX);
    const lost = await stopped(service);
    expectAllAccountedFor(service, lost);
    for (const { exported, failed } of lost) {
      expect(exported).to.equal(0);
      expect(failed).to.be.above(0);
    }
    const said = messagesOf(service).filter(
      ({ msg }) => msg === "the trace collector does not take spans: they are lost",
    );
    expect(said).to.have.length(2);
  });

  it("cost the same when it takes connections and never answers", async () => {
    collector = await Collector.start();
    collector.isSilent = true;
    service = await TracedService.start({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url, ...QUEUE });
    expect(await growthMb(service)).to.be.below(GROWTH_MB_MAX);
    expect(collector.exportCount).to.be.above(0);
    expectAllAccountedFor(service, await stopped(service));
  });

  it("are sent again once it is back", async () => {
    const endpoint = await deadEndpoint();
    service = await TracedService.start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...QUEUE });
    await payMany(service.front, [newPayment(), newPayment()]);
    const says = (text: string) => messagesOf(service).some(({ msg }) => msg.includes(text));
    await until("an instance misses it", () => says("does not take spans"));
    collector = await Collector.start(Number(new URL(endpoint).port));
    await until("spans arrive, and the instance says so", async () => {
      await payMany(service.front, [newPayment(), newPayment()]);
      return collector!.spans.length > 0 && says("takes spans again");
    });
  });
});

describe("tracing that is not asked for", function () {
  this.timeout(60_000);

  /**
   * Whether an instance with these settings has loaded a file of the OpenTelemetry or gRPC packages, by its own
   * coverage report.
   */
  async function loadsPackages(env: Readonly<Record<string, string>>): Promise<boolean> {
    const directory = mkdtempSync(join(tmpdir(), "rinha-loaded-"));
    const service = await TracedService.start({ ...env, NODE_V8_COVERAGE: directory });
    try {
      const payment = newPayment();
      await payMany(service.front, [payment]);
      await untilState(service.front, [payment], "processed");
      await service.topology.stop();
      const modules = loadedModules(directory);
      expect(modules.some((name) => name.endsWith("/server/instance.ts"))).to.equal(true);
      return modules.some((name) => /node_modules\/@(?:opentelemetry|grpc)\//.test(name));
    } finally {
      await service.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  }

  it("does not even load the packages", async () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: await deadEndpoint() };
    expect(await loadsPackages({})).to.equal(false);
    expect(await loadsPackages({ ...endpoint, OTEL_SDK_DISABLED: "true" })).to.equal(false);
    expect(await loadsPackages({ ...endpoint, OTEL_TRACES_EXPORTER: "none" })).to.equal(false);
    expect(await loadsPackages(endpoint)).to.equal(true);
  });
});
