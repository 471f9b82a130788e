import { byId, make, setText } from "./dom.ts";
import { formatCount, formatMoney, formatMs, formatPercent, formatRate, NOTHING } from "./format.ts";
import type { Tick } from "./history.ts";
import type { Hello } from "./message.ts";

type Text = { value: string; note: string };
const EMPTY: Text = { value: NOTHING, note: "" };

const TILES = [
  ["accepted", "Accepted, /s"],
  ["latency", "Latency p50 / p99, ms"],
  ["pending", "Pending"],
  ["inDoubt", "In doubt"],
  ["default", "Processed by default"],
  ["fallback", "Processed by fallback"],
  ["fees", "Fees"],
  ["profit", "Profit"],
] as const;
type TileName = (typeof TILES)[number][0];

/** The figures as they are now: a name, a value, and a word on it. */
export class Tiles {
  readonly #elements: readonly (readonly [name: TileName, value: HTMLElement, note: HTMLElement])[];

  constructor() {
    const list = byId("tiles");
    this.#elements = TILES.map(([name, title]) => {
      const value = make("dd", "", NOTHING);
      const note = make("dd", "note");
      const tile = make("div", "", make("dt", "", title), value, note);
      tile.dataset["tile"] = name;
      list.append(tile);
      return [name, value, note] as const;
    });
  }

  show(tick: Tick | undefined, view: number, hello: Hello): void {
    const texts = textsOf(tick, view, hello);
    for (const [name, value, note] of this.#elements) {
      const text = texts?.[name] ?? EMPTY;
      setText(value, text.value);
      setText(note, text.note);
      note.title = text.note;
    }
  }
}

function textsOf(tick: Tick | undefined, view: number, hello: Hello): Record<TileName, Text> | undefined {
  const point = tick?.views[view];
  if (!point) return undefined;
  const { standing, flow } = point;
  const [byDefault, byFallback] = standing.processed;
  const count = byDefault!.count + byFallback!.count;
  const cents = byDefault!.cents + byFallback!.cents;
  // In whole cents per processor, so that fees and profit add up to the amount as they are shown.
  const feeCents = standing.processed.reduce(
    (sum, part, p) => sum + Math.round(part.cents * hello.feeFractions[p]!),
    0,
  );
  const missing = view === 0 ? missingNote(tick!, hello) : "";
  const processed = (part: { count: number; cents: number }): Text => ({
    value: formatCount(part.count),
    note: `${formatMoney(part.cents)} · ${formatPercent(count === 0 ? 0 : part.count / count)}`,
  });
  return {
    accepted: { value: formatRate(flow?.acceptedPerS), note: `${formatCount(standing.accepted)} since the start` },
    latency: { value: `${formatMs(flow?.p50Ms)} / ${formatMs(flow?.p99Ms)}`, note: "in the last second" },
    pending: { value: formatCount(standing.pending), note: `${formatCount(standing.sending)} being sent` },
    inDoubt: { value: formatCount(standing.inDoubt), note: `${formatCount(standing.failed)} failed` },
    default: processed(byDefault!),
    fallback: processed(byFallback!),
    fees: {
      value: formatMoney(feeCents),
      note: missing || `${formatPercent(cents === 0 ? 0 : feeCents / cents)} of the amount`,
    },
    profit: { value: formatMoney(cents - feeCents), note: missing || `of ${formatMoney(cents)}` },
  };
}

/** A sum that lacks an instance says so. */
function missingNote(tick: Tick, hello: Hello): string {
  const missing = Array.from({ length: hello.instanceCount }, (_, i) => i + 1).filter((i) => !tick.views[i]);
  return missing.length === 0 ? "" : `without instance ${missing.join(", ")}`;
}
