import { join } from "node:path";
import { figure, figureOf } from "../report/figure.ts";
import type { Chart, Figure, Measured } from "../report/result.ts";
import type { RecoveryOptions } from "./command-line.ts";
import { compact, makeJournal, RECORDS_PER_PAYMENT } from "./journal-maker.ts";
import type { StartUp } from "./start-up.ts";

/** A journal to start with. */
export type Variant = {
  readonly name: "empty" | "segments" | "checkpoint";
  readonly dataDir: string;
  readonly payments: number;
  readonly records: number;
  readonly bytes: number;
};

export type StartUps = ReadonlyMap<Variant, readonly StartUp[]>;

/** Nothing at all; three records a payment; the same after compaction. Each in a folder of its own under `folder`. */
export function makeVariants(folder: string, payments: number): Variant[] {
  // In the past, so that no clock starts ahead of the wall's.
  const beganAtMs = Date.now() - 86_400_000;
  const make = (name: Variant["name"], count: number, records: number): Variant => {
    const dataDir = join(folder, name);
    const directory = makeJournal(dataDir, count, beganAtMs);
    if (name === "checkpoint") compact(directory, count, beganAtMs);
    const bytes = directory.files().reduce((sum, file) => sum + file.bytes, 0);
    return { name, dataDir, payments: count, records, bytes };
  };
  return [
    make("empty", 0, 0),
    make("segments", payments, payments * RECORDS_PER_PAYMENT),
    make("checkpoint", payments, payments),
  ];
}

export function resultOf(options: RecoveryOptions, startUps: StartUps): Measured {
  const variants = [...startUps.keys()].map(({ name, payments, records, bytes }) => ({
    name,
    payments,
    records,
    bytes,
  }));
  return {
    kind: "recovery",
    title: `starting an instance with ${options.payments} payments in its journal`,
    options,
    figures: [...startUps].flatMap(([variant, rounds]) => figuresOf(variant, rounds)),
    remarks: [],
    charts: [chartOf(startUps)],
    details: variants,
  };
}

function figuresOf({ name, payments, bytes }: Variant, rounds: readonly StartUp[]): Figure[] {
  const figures = [
    figureOf(`${name}, spawn to /health`, "ms", "lower", rounds, ({ healthMs }) => healthMs),
    figureOf(`${name}, peak RSS`, "MiB", "lower", rounds, ({ maxRssMb }) => maxRssMb),
  ];
  if (payments === 0) return figures;
  // A replay told as 0 ms took less than one.
  const perSecond = ({ replayMs }: StartUp): number => (payments / Math.max(replayMs, 1)) * 1000;
  return [
    figureOf(`${name}, replay`, "ms", "lower", rounds, ({ replayMs }) => replayMs),
    figureOf(`${name}, replayed payments`, "1/s", "higher", rounds, perSecond),
    ...figures,
    figure(`${name}, files`, "MB", "lower", [bytes / 1e6]),
  ];
}

function chartOf(startUps: StartUps): Chart {
  return {
    title: "From the spawn of the process to its first answer",
    x: { label: "round", scale: "linear" },
    y: { label: "ms", scale: "linear" },
    series: [...startUps].map(([{ name }, rounds]) => ({
      label: name,
      points: rounds.map(({ healthMs }, i) => [i + 1, healthMs] as const),
    })),
  };
}
