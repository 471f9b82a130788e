import { byId, make, setText } from "./dom.ts";
import { formatCount, formatMoney, formatMs, formatPercent, formatRate, NOTHING } from "./format.ts";
import type { ProcessorNow, Tick } from "./history.ts";
import type { Hello } from "./message.ts";
import { processorColour } from "./theme.ts";

type Text = { value: string; note: string; hint?: string };
const EMPTY: Text = { value: NOTHING, note: "" };

const TILES_BEFORE = [
  ["accepted", "Accepted, /s"],
  ["latency", "Latency p50 / p99, ms"],
  ["pending", "Pending"],
  ["inDoubt", "In doubt"],
] as const;
const TILES_AFTER = [
  ["fees", "Fees"],
  ["profit", "Profit"],
] as const;

/** The figures as they are now: a name, a value, and a word on it. */
export class Tiles {
  readonly #hello: Hello;
  readonly #elements: readonly (readonly [value: HTMLElement, note: HTMLElement])[];

  constructor(hello: Hello) {
    const list = byId("tiles");
    const processors = hello.processors.map((name, processor) => {
      return ["processor", `Processed by ${name}`, processorColour(processor)] as const;
    });
    this.#hello = hello;
    this.#elements = [...TILES_BEFORE, ...processors, ...TILES_AFTER].map(([name, title, colour]) => {
      const value = make("dd", "", NOTHING);
      const note = make("dd", "note");
      const tile = make("div", "", make("dt", "", title), value, note);
      tile.dataset["tile"] = name;
      if (colour !== undefined) tile.style.setProperty("--tile", `var(--${colour})`);
      list.append(tile);
      return [value, note] as const;
    });
  }

  show(tick: Tick | undefined, view: number): void {
    const texts = textsOf(tick, view, this.#hello);
    for (const [i, [value, note]] of this.#elements.entries()) {
      const text = texts?.[i] ?? EMPTY;
      setText(value, text.value);
      setText(note, text.note);
      note.title = text.hint ?? text.note;
    }
  }
}

/** In the order of the tiles. */
function textsOf(tick: Tick | undefined, view: number, hello: Hello): Text[] | undefined {
  const point = tick?.views[view];
  if (!point) return undefined;
  const { standing, flow } = point;
  const count = standing.processed.reduce((sum, part) => sum + part.count, 0);
  const cents = standing.processed.reduce((sum, part) => sum + part.cents, 0);
  // In whole cents per processor, so that fees and profit add up to the amount as they are shown.
  const feeCents = standing.processed.reduce(
    (sum, part, p) => sum + Math.round(part.cents * hello.feeFractions[p]!),
    0,
  );
  const missing = view === 0 ? missingNote(tick!, hello) : "";
  return [
    { value: formatRate(flow?.acceptedPerS), note: `${formatCount(standing.accepted)} since the start` },
    { value: `${formatMs(flow?.p50Ms)} / ${formatMs(flow?.p99Ms)}`, note: "in the last second" },
    { value: formatCount(standing.pending), note: `${formatCount(standing.sending)} being sent` },
    { value: formatCount(standing.inDoubt), note: `${formatCount(standing.failed)} failed` },
    ...standing.processed.map((part, p) => ({
      value: formatCount(part.count),
      note: `${formatMoney(part.cents)} · ${formatPercent(count === 0 ? 0 : part.count / count)}`,
      hint: `fee ${formatPercent(hello.feeFractions[p]!)}; ${reasonsText(standing.processors[p]!, hello)}`,
    })),
    {
      value: formatMoney(feeCents),
      note: missing || `${formatPercent(cents === 0 ? 0 : feeCents / cents)} of the amount`,
    },
    { value: formatMoney(cents - feeCents), note: missing || `of ${formatMoney(cents)}` },
  ];
}

/** Why payments were sent there since the start. */
function reasonsText({ routed }: ProcessorNow, { reasons }: Hello): string {
  const told = routed.flatMap((count, reason) => (count > 0 ? [`${reasons[reason]} ${formatCount(count)}`] : []));
  return told.length === 0 ? "no payment sent there" : `sent there: ${told.join(", ")}`;
}

/** A sum that lacks an instance says so. */
function missingNote(tick: Tick, hello: Hello): string {
  const missing = Array.from({ length: hello.instanceCount }, (_, i) => i + 1).filter((i) => !tick.views[i]);
  return missing.length === 0 ? "" : `without instance ${missing.join(", ")}`;
}
