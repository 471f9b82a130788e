import type { PortWish } from "./ports.ts";

/** By a processor's name, in configured order. */
export type ByName<Value> = Readonly<Record<string, Value>>;

/** A processor of the topology: simulated, unless it has a URL and runs elsewhere. */
export type ProcessorWish = {
  readonly name: string;
  /** Fraction of the amount. */
  readonly fee: number;
  readonly url?: string | undefined;
  /** Of a simulated one. 0: any free one. */
  readonly port?: number | undefined;
  /** What PROCESSORS says of it, for the instances as it is. */
  readonly settings?: Readonly<Record<string, unknown>>;
};

/** The short form: the contest's two, each by its role. */
export type TwoProcessors = {
  /** 0: any free one. */
  readonly processorPorts?: Partial<ByName<number>>;
  /** Fractions of the amount. */
  readonly processorFees?: Partial<ByName<number>>;
  /** A processor that runs elsewhere: none is started for that role. */
  readonly processorUrls?: Partial<ByName<string>>;
};

export const PROCESSOR_HOST = "127.0.0.1";
const FEE_DECIMALS_MAX = 12;
const TWO = [
  { name: "default", fee: 0.05, port: 8001 },
  { name: "fallback", fee: 0.15, port: 8002 },
] as const;

export function twoProcessors({ processorPorts, processorFees, processorUrls }: TwoProcessors): ProcessorWish[] {
  return TWO.map(({ name, fee, port }) => ({
    name,
    fee: processorFees?.[name] ?? fee,
    port: processorPorts?.[name] ?? port,
    url: processorUrls?.[name],
  }));
}

/** Those that are to be started here. */
export function simulatedOf(processors: readonly ProcessorWish[]): ProcessorWish[] {
  return processors.filter(({ url }) => url === undefined);
}

/** What the simulated ones listen on, to be settled. */
export function portWishesOf(processors: readonly ProcessorWish[]): PortWish[] {
  return simulatedOf(processors).map(({ name, port = 0 }) => ({
    name: `processor-${name}`,
    host: PROCESSOR_HOST,
    port,
  }));
}

/** With the ports that were settled, in the same order. */
export function withPorts(processors: readonly ProcessorWish[], ports: readonly number[]): ProcessorWish[] {
  const left = [...ports];
  return processors.map((processor) =>
    processor.url === undefined ? { ...processor, port: left.shift()! } : processor,
  );
}

export function urlsOf(processors: readonly ProcessorWish[]): ByName<string> {
  return Object.fromEntries(processors.map(({ name, url, port }) => [name, url ?? `http://${PROCESSOR_HOST}:${port}`]));
}

/** A decimal without an exponent. */
export function feeText(fee: number): string {
  return fee.toFixed(FEE_DECIMALS_MAX).replace(/\.?0+$/, "");
}

/** What tells the instances of them: the short form where it says all. What is empty counts as not set. */
export function environmentOf(processors: readonly ProcessorWish[]): Record<string, string> {
  const urls = urlsOf(processors);
  const isShort = processors.length === TWO.length && TWO.every(({ name }, i) => processors[i]!.name === name);
  if (isShort && processors.every(({ settings }) => settings === undefined)) {
    const [first, second] = processors;
    return {
      PROCESSORS: "",
      DEFAULT_PROCESSOR_URL: urls["default"]!,
      FALLBACK_PROCESSOR_URL: urls["fallback"]!,
      DEFAULT_FEE: feeText(first!.fee),
      FALLBACK_FEE: feeText(second!.fee),
    };
  }
  const list = processors.map(({ name, fee, settings }) => ({ name, fee: feeText(fee), ...settings, url: urls[name] }));
  const none = { DEFAULT_PROCESSOR_URL: "", FALLBACK_PROCESSOR_URL: "", DEFAULT_FEE: "", FALLBACK_FEE: "" };
  return { PROCESSORS: JSON.stringify(list), ...none };
}
