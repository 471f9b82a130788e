import type { TracingSettings } from "../settings/tracing-settings.ts";
import { hexWord, randomWord } from "./trace-ids.ts";

const WORDS = 2 ** 32;

/**
 * Decides at the head of a trace whether it is sampled, before anything is made for it. The decisions are those of the
 * SDK's samplers (ParentBased, TraceIdRatioBased): a trace id is sampled when the xor of its four 32-bit words is below
 * a bound. For a new trace that xor is drawn first: an unsampled one costs a random number, and a sampled one gets an
 * id that leads to it.
 */
export class HeadSampler {
  readonly #isParentBased: boolean;
  readonly #ratio: number;
  readonly #bound: number;

  constructor({ isParentBased, ratio }: Pick<TracingSettings, "isParentBased" | "ratio">) {
    this.#isParentBased = isParentBased;
    this.#ratio = ratio;
    this.#bound = ratio >= 1 ? WORDS : Math.floor(ratio * (WORDS - 1));
  }

  /** Id of a new trace, or undefined when it is not sampled. Hot: no allocation unless sampled. */
  newTrace(): string | undefined {
    const xor = randomWord();
    if (xor >= this.#bound) return undefined;
    const a = randomWord();
    const b = randomWord();
    const c = randomWord();
    return hexWord(a) + hexWord(b) + hexWord(c) + hexWord((a ^ b ^ c ^ xor) >>> 0);
  }

  /** Whether a trace that somebody else has begun is sampled here. `traceId`: 32 hex digits. */
  continues(traceId: string, isSampledThere: boolean): boolean {
    if (this.#isParentBased) return isSampledThere;
    return this.#ratio >= 1 || xorOf(traceId) < this.#bound;
  }
}

function xorOf(traceId: string): number {
  let xor = 0;
  for (let i = 0; i < 32; i += 8) xor ^= Number.parseInt(traceId.slice(i, i + 8), 16);
  return xor >>> 0;
}
