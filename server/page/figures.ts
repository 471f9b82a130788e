import { byId, makeRow } from "./dom.ts";
import { formatCount, formatMs, formatRate, formatTime } from "./format.ts";
import type { Point, Tick } from "./history.ts";

const ROWS = 30;
function headOf(processors: readonly string[]): string[] {
  const rates = processors.map((name) => `${name}/s`);
  return ["time", "accepted/s", ...rates, "p50 ms", "p99 ms", "pending", "in doubt", ...processors];
}

/** The charts in words: the latest samples as a table, written only while it is open. */
export class Figures {
  readonly #details = byId<HTMLDetailsElement>("figures");
  readonly #body = byId("figures-body");

  constructor(processors: readonly string[], onOpen: () => void) {
    byId("figures-head").append(makeRow(headOf(processors), "th"));
    // Browsers differ in whether a box that scrolls can be reached by keyboard.
    this.#details.querySelector("section")!.tabIndex = 0;
    this.#details.addEventListener("toggle", onOpen);
  }

  show(ticks: readonly Tick[], view: number): void {
    if (!this.#details.open) return;
    const rows = ticks
      .slice(-ROWS)
      .reverse()
      .map((tick) => makeRow(cellsOf(tick, view)));
    this.#body.replaceChildren(...rows);
  }
}

function cellsOf({ atS, views }: Tick, view: number): string[] {
  const point = views[view];
  if (!point) return [formatTime(atS), views.length === 0 ? "not connected" : "down"];
  return [formatTime(atS), ...figuresOf(point)];
}

function figuresOf({ standing, flow }: Point): string[] {
  return [
    formatRate(flow?.acceptedPerS),
    ...standing.processors.map((_, processor) => formatRate(flow?.chargesPerS[processor])),
    formatMs(flow?.p50Ms),
    formatMs(flow?.p99Ms),
    formatCount(standing.pending),
    formatCount(standing.inDoubt),
    ...standing.processors.map(({ state, minResponseMs }) => `${state}, ${formatCount(minResponseMs)} ms`),
  ];
}
