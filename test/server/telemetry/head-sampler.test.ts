import { randomBytes } from "node:crypto";
import { ROOT_CONTEXT, type SpanContext, SpanKind, trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { expect } from "chai";
import { HeadSampler } from "../../../server/telemetry/head-sampler.ts";

const DRAWS = 100_000;
const COMPARED = 2000;

function isSampledBy(sampler: Sampler, traceId: string, parentFlags?: number): boolean {
  const parent: SpanContext = { traceId, spanId: "00f067aa0ba902b7", traceFlags: parentFlags ?? 0, isRemote: true };
  const context = parentFlags === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
  const { decision } = sampler.shouldSample(context, traceId, "payment", SpanKind.SERVER, {}, []);
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

describe("head sampler", () => {
  it("samples the share of new traces it was told, by ids that the SDK's sampler would take", () => {
    for (const ratio of [0, 0.01, 0.25, 0.5, 1]) {
      const sampler = new HeadSampler({ isParentBased: true, ratio });
      const sdk = new TraceIdRatioBasedSampler(ratio);
      let sampled = 0;
      for (let draw = 0; draw < DRAWS; draw++) {
        const traceId = sampler.newTrace();
        if (traceId === undefined) continue;
        sampled++;
        if (sampled > COMPARED) continue;
        expect(traceId).to.match(/^[\da-f]{32}$/);
        expect(isSampledBy(sdk, traceId), `ratio=${ratio} traceId=${traceId}`).to.equal(true);
      }
      // Six standard deviations.
      expect(Math.abs(sampled - DRAWS * ratio)).to.be.at.most(6 * Math.sqrt(DRAWS * ratio * (1 - ratio)));
    }
  });

  it("draws ids whose every part varies", () => {
    const sampler = new HeadSampler({ isParentBased: true, ratio: 0.5 });
    const ids = Array.from({ length: 1000 }, () => sampler.newTrace()).filter((id) => id !== undefined);
    for (let at = 0; at < 32; at += 8) {
      expect(new Set(ids.map((id) => id.slice(at, at + 8))).size).to.be.above(ids.length - 3);
    }
  });

  it("decides about traces begun elsewhere as the SDK's samplers do", () => {
    const pairs: [HeadSampler, Sampler][] = [0, 0.01, 0.3, 1].flatMap((ratio) => {
      const root = ratio === 0 ? new AlwaysOffSampler() : ratio === 1 ? new AlwaysOnSampler() : undefined;
      const sdk = root ?? new TraceIdRatioBasedSampler(ratio);
      return [
        [new HeadSampler({ isParentBased: false, ratio }), sdk],
        [new HeadSampler({ isParentBased: true, ratio }), new ParentBasedSampler({ root: sdk })],
      ] as [HeadSampler, Sampler][];
    });
    for (const [ours, sdk] of pairs) {
      for (let i = 0; i < COMPARED; i++) {
        const traceId = randomBytes(16).toString("hex");
        for (const flags of [0, 1]) {
          const expected = isSampledBy(sdk, traceId, flags);
          expect(ours.continues(traceId, flags === 1), `${sdk} ${traceId} ${flags}`).to.equal(expected);
        }
      }
    }
  });
});
