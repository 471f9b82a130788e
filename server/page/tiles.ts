import { byId, make, setText } from "./dom.ts";
import { formatCount, formatMoney, formatMs, formatPercent, formatRate, NOTHING } from "./format.ts";
import type { Tick } from "./history.ts";
import type { Hello } from "./message.ts";
import { missingText } from "./partitions.ts";

type Text = { value: string; note: string };
const EMPTY: Text = { value: NOTHING, note: "" };

const TILES = [
  ["accepted", "Accepted, /s"],
  ["latency", "Latency p50 / p99, ms"],
  ["pending", "Pending"],
  ["inDoubt", "In doubt"],
  ["processed", "Processed"],
  ["failed", "Failed"],
  ["fees", "Fees"],
  ["profit", "Profit"],
] as const;

/** The figures as they are now: a name, a value, and a word on it. */
export class Tiles {
  readonly #hello: Hello;
  readonly #elements: readonly (readonly [value: HTMLElement, note: HTMLElement])[];

  constructor(hello: Hello) {
    const list = byId("tiles");
    this.#hello = hello;
    this.#elements = TILES.map(([name, title]) => {
      const value = make("dd", "", NOTHING);
      const note = make("dd", "note");
      const tile = make("div", "", make("dt", "", title), value, note);
      tile.dataset["tile"] = name;
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
      note.title = text.note;
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
  const absent = view === 0 ? missingText(standing.partitions, hello.partitionCount) : undefined;
  // A sum that lacks payments says so.
  const missing = absent && `without ${absent}`;
  return [
    { value: formatRate(flow?.acceptedPerS), note: `${formatCount(standing.accepted)} since the start` },
    { value: `${formatMs(flow?.p50Ms)} / ${formatMs(flow?.p99Ms)}`, note: "in the last second" },
    { value: formatCount(standing.pending), note: `${formatCount(standing.sending)} being sent` },
    { value: formatCount(standing.inDoubt), note: "charged or not" },
    { value: formatCount(count), note: formatMoney(cents) },
    { value: formatCount(standing.failed), note: "given up or refused" },
    {
      value: formatMoney(feeCents),
      note: missing ?? `${formatPercent(cents === 0 ? 0 : feeCents / cents)} of the amount`,
    },
    { value: formatMoney(cents - feeCents), note: missing ?? `of ${formatMoney(cents)}` },
  ];
}
