import { expect } from "chai";
import { type CollectedSpan, Collector } from "../server/telemetry/collector.ts";
import { instanceOf, newPayment, newPaymentOf, type Payment, untilState } from "./payments.ts";
import { newContext, TracedService } from "./traced-service.ts";
import { until } from "./until.ts";

function one(spans: readonly CollectedSpan[], kind: string): CollectedSpan {
  const found = spans.filter((span) => span.kind === kind);
  expect(found, kind).to.have.length(1);
  return found[0]!;
}

const kindsOf = (spans: readonly CollectedSpan[]): string[] => spans.map(({ kind }) => kind).sort();

describe("traces", () => {
  let collector: Collector;
  let service: TracedService;

  before(async () => {
    collector = await Collector.start();
    service = await TracedService.start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "tenant=payments",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
      REQUEST_TIMEOUT_MS: "500",
      SETTLE_WITHIN_MS: "600000",
      PURGE_ENABLED: "true",
    });
  });

  after(async () => {
    await service?.stop();
    collector?.stop();
  });

  it("go from the client through nginx and the instance to the processor under one trace id", async () => {
    for (const instance of [1, 2]) {
      const payment = newPaymentOf(instance, 1234);
      const context = newContext();
      const headers = { traceparent: context.traceparent, tracestate: "shop=basket7" };
      expect((await service.post(payment, headers)).status).to.equal(202);
      const spans = await collector.trace(context.traceId, 3);
      expect(kindsOf(spans)).to.deep.equal(["CLIENT", "INTERNAL", "SERVER"]);
      const request = one(spans, "SERVER");
      const paid = one(spans, "INTERNAL");
      const attempt = one(spans, "CLIENT");

      expect(request.name).to.equal("POST /payments");
      expect(request.parentSpanId).to.equal(context.spanId);
      expect(request.attributes).to.deep.equal({
        "http.request.method": "POST",
        "http.route": "/payments",
        "http.response.status_code": 202,
        "url.path": "/payments",
        "url.scheme": "http",
        "client.address": "127.0.0.1",
        "payment.correlation_id": payment.correlationId,
        "payment.amount": 12.34,
        "payment.outcome": "accepted",
      });
      expect(paid.name).to.equal("payment");
      expect(paid.parentSpanId).to.equal(request.spanId);
      expect(paid.links).to.deep.equal([{ traceId: context.traceId, spanId: request.spanId }]);
      expect(paid.attributes).to.deep.equal({
        "payment.correlation_id": payment.correlationId,
        "payment.amount": 12.34,
        "payment.state": "processed",
        "payment.outcome": "charged",
        "payment.processor": "default",
        "payment.attempt_count": 1,
      });
      const [view] = await untilState(service.front, [payment], "processed");
      const { port } = service.processors.default;
      expect(attempt.name).to.equal("POST /payments");
      expect(attempt.parentSpanId).to.equal(paid.spanId);
      expect(attempt.attributes).to.deep.equal({
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.full": `http://127.0.0.1:${port}/payments`,
        "url.template": "/payments",
        "server.address": "127.0.0.1",
        "server.port": port,
        "payment.correlation_id": payment.correlationId,
        "payment.amount": 12.34,
        "payment.processor": "default",
        "payment.requested_at": view!.requestedAt,
        "payment.outcome": "charged",
      });
      for (const span of spans) {
        expect(span.isError).to.equal(false);
        expect(span.resource).to.include({
          "service.name": "rinha-backend",
          "deployment.environment.name": "test",
          "telemetry.sdk.language": "nodejs",
        });
        expect(span.resource["service.instance.id"]).to.match(new RegExp(`-${instance}$`));
        expect(span.resource["service.version"]).to.match(/^\d+\.\d+\.\d+/);
        expect(span.endMs).to.be.at.least(span.startMs);
      }
      expect(service.processors.default.about(payment.correlationId)).to.have.length(1);
      expect(service.processors.default.about(payment.correlationId)[0]).to.include({
        traceparent: `00-${context.traceId}-${attempt.spanId}-01`,
        tracestate: "shop=basket7",
      });
    }
    expect(collector.metadata).to.include({ tenant: "payments" });
  });

  it("follow a payment to its owner when it reached the other instance", async () => {
    const payment = newPaymentOf(2);
    const context = newContext();
    const { traceparent } = context;
    expect((await service.post(payment, { traceparent }, service.instances[0])).status).to.equal(202);
    const spans = await collector.trace(context.traceId, 4);
    const requests = spans.filter(({ kind }) => kind === "SERVER");
    const first = requests.find(({ parentSpanId }) => parentSpanId === context.spanId)!;
    const second = requests.find(({ parentSpanId }) => parentSpanId === first.spanId)!;
    expect(first.resource["service.instance.id"]).to.match(/-1$/);
    expect(second.resource["service.instance.id"]).to.match(/-2$/);
    expect(one(spans, "INTERNAL").parentSpanId).to.equal(second.spanId);
  });

  it("have an attempt for every call of a processor, failed ones with their errors", async () => {
    const payment = newPayment();
    const context = newContext();
    service.processors.default.nextStatuses.push(500, 500);
    expect((await service.post(payment, { traceparent: context.traceparent })).status).to.equal(202);
    const spans = await collector.trace(context.traceId, 5);
    const attempts = spans.filter(({ kind }) => kind === "CLIENT").sort((a, b) => a.startMs - b.startMs);
    expect(attempts.map(({ isError }) => isError)).to.deep.equal([true, true, false]);
    expect(attempts.map(({ attributes }) => attributes["error.type"])).to.deep.equal(["500", "500", undefined]);
    expect(attempts.map(({ attributes }) => attributes["payment.outcome"])).to.deep.equal([
      "failing",
      "failing",
      "charged",
    ]);
    expect(attempts.map(({ attributes }) => attributes["http.request.resend_count"])).to.deep.equal([undefined, 1, 2]);
    const paid = one(spans, "INTERNAL");
    expect(paid.attributes).to.include({ "payment.attempt_count": 3, "payment.state": "processed" });
    expect(paid.isError).to.equal(false);
    const sent = service.processors.default.about(payment.correlationId).map(({ traceparent }) => traceparent);
    expect(sent).to.deep.equal(attempts.map(({ spanId }) => `00-${context.traceId}-${spanId}-01`));
  });

  it("tell of a broken connection as an exception, and of the question what became of the payment", async () => {
    const payment = newPayment();
    const context = newContext();
    service.processors.default.nextStatuses.push(0);
    expect((await service.post(payment, { traceparent: context.traceparent })).status).to.equal(202);
    await untilState(service.front, [payment], "processed");
    const spans = await collector.trace(context.traceId, 4);
    const attempts = spans.filter(({ kind }) => kind === "CLIENT").sort((a, b) => a.startMs - b.startMs);
    const { "payment.outcome": outcome, "error.type": type } = attempts[0]!.attributes;
    // Which of them depends on whether the connection had served another payment before.
    expect(outcome).to.be.oneOf(["connection reset", "kept connection dropped"]);
    expect(type).to.equal(String(outcome).replaceAll(" ", "_"));
    expect(attempts[0]!.events.map(({ name }) => name)).to.deep.equal(["exception"]);
    expect(attempts[0]!.events[0]!.attributes["exception.message"]).to.not.equal(undefined);
    expect(attempts.length).to.be.above(1);
    for (const { name, attributes } of attempts.slice(1)) {
      if (attributes["http.request.method"] === "GET") expect(name).to.equal("GET /payments/{correlationId}");
    }
    expect(attempts.at(-1)!.isError).to.equal(false);
  });

  it("leave out what the client has not sampled, down to the processor", async () => {
    const payment = newPayment();
    const unsampled = newContext(false);
    expect((await service.post(payment, { traceparent: unsampled.traceparent })).status).to.equal(202);
    await untilState(service.front, [payment], "processed");
    const later = newContext();
    await service.post(sameOwner(payment), { traceparent: later.traceparent });
    await collector.trace(later.traceId, 3);
    expect(collector.spans.filter(({ traceId }) => traceId === unsampled.traceId)).to.deep.equal([]);
    const [sent] = service.processors.default.about(payment.correlationId);
    expect(sent).to.not.have.any.keys("traceparent", "tracestate");
  });

  it("begin here when the client sends no context, or one that cannot be read", async () => {
    for (const headers of [{}, { traceparent: "00-nonsense" }]) {
      const payment = newPayment();
      expect((await service.post(payment, headers)).status).to.equal(202);
      const isOfPayment = ({ attributes }: CollectedSpan) =>
        attributes["payment.correlation_id"] === payment.correlationId;
      await until("the payment's spans are there", () => collector.spans.filter(isOfPayment).length === 3);
      const spans = collector.spans.filter(isOfPayment);
      expect(new Set(spans.map(({ traceId }) => traceId)).size).to.equal(1);
      expect(one(spans, "SERVER").parentSpanId).to.equal("");
    }
  });

  it("tell what became of requests that are no new payment", async () => {
    const payment = newPayment();
    await service.post(payment);
    const cases: [Payment, number, string | undefined][] = [
      [payment, 200, "duplicate"],
      [{ ...payment, cents: payment.cents + 1 }, 409, "conflict"],
      [{ ...payment, cents: 0 }, 400, undefined],
    ];
    for (const [sent, status, outcome] of cases) {
      const { traceId, traceparent } = newContext();
      expect((await service.post(sent, { traceparent })).status).to.equal(status);
      const [request, ...others] = await collector.trace(traceId, 1);
      expect(others).to.deep.equal([]);
      expect(request!.attributes["http.response.status_code"]).to.equal(status);
      expect(request!.attributes["payment.outcome"]).to.equal(outcome);
    }
    for (const path of ["/payments-summary", `/payments/${payment.correlationId}`]) {
      const { traceId, traceparent } = newContext();
      await service.front.ask("GET", path, { headers: { traceparent } });
      const [request] = await collector.trace(traceId, 1);
      expect(request!.attributes).to.include({ "http.request.method": "GET", "url.path": path });
    }
  });

  it("end when a payment is purged", async () => {
    const payment = newPayment();
    const { traceId, traceparent } = newContext();
    service.processors.default.nextStatuses.push(...Array.from({ length: 100 }, () => 500));
    await service.post(payment, { traceparent });
    expect((await service.front.ask("POST", "/purge-payments")).status).to.equal(200);
    service.processors.default.nextStatuses.splice(0);
    await until("the payment's span has ended", () =>
      collector.spans.some((span) => span.traceId === traceId && span.kind === "INTERNAL"),
    );
    const paid = one(
      collector.spans.filter((span) => span.traceId === traceId),
      "INTERNAL",
    );
    expect(paid.attributes).to.include({ "payment.outcome": "forgotten", "error.type": "forgotten" });
    expect(paid.isError).to.equal(true);
  });

  it("have the health polls, each a trace of its own", async () => {
    const polls = () => collector.spans.filter(({ name }) => name === "GET /payments/service-health");
    const namesOf = () => new Set(polls().map(({ attributes }) => attributes["payment.processor"]));
    await until("both processors were polled", () => namesOf().size === 2);
    for (const { kind, attributes, parentSpanId, startMs, endMs, isError } of polls()) {
      expect({ kind, parentSpanId, isError }).to.deep.equal({ kind: "CLIENT", parentSpanId: "", isError: false });
      expect(attributes).to.include({
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "payment.processor.failing": false,
        "payment.processor.min_response_time": 3,
      });
      expect(endMs).to.be.within(startMs, startMs + 5000);
    }
  });

  function sameOwner(payment: Payment): Payment {
    return newPaymentOf(instanceOf(payment));
  }
});
