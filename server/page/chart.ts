import type uPlotType from "uplot";
import { byId, make } from "./dom.ts";
import type { Tick } from "./history.ts";
import type { Palette } from "./theme.ts";

/** From /assets/uPlot.js, a script of the old kind. */
declare const uPlot: typeof uPlotType;

/** What a chart shows of the ticks: x in seconds first, then a column for each of its series. */
export type Columns = (number | null | undefined)[][];

export type LegendEntry = {
  key: string;
  /** Of page.css. */
  colour: string;
  shape: "" | "key-line" | "key-dashed" | "key-hatched";
  /** The value at the tick pointed at, or the latest; an entry without one only explains a colour. */
  value?: (index: number) => string;
};

export type ChartSpec = {
  id: string;
  /** Where the style sheet's height may be too little. */
  heightPxMin?: number;
  series: (palette: Palette) => uPlotType.Series[];
  scaleY: uPlotType.Scale;
  axisY: uPlotType.Axis;
  bands?: (palette: Palette) => uPlotType.Band[];
  /** Beneath the series, in canvas pixels. */
  paint?: (u: uPlotType, palette: Palette) => void;
  columns: (ticks: readonly Tick[]) => Columns;
  legend: readonly LegendEntry[];
  /** What the chart says to who cannot see it. */
  describe: () => string;
};

/** The time shown: what there is, at least a minute, at most five. */
const SPAN_S_MIN = 60;
const SPAN_S_MAX = 300;
const FONT = '11px system-ui, "DejaVu Sans", sans-serif';
/** The same in all charts, so that the same moment is at the same place. */
const AXIS_Y_PX = 60;

/** A chart over the last minutes, with a legend that tells the values at the pointer, the same moment in all charts. */
export class Chart {
  readonly #spec: ChartSpec;
  readonly #target: HTMLElement;
  readonly #values: readonly (HTMLElement | undefined)[];
  #plot: uPlotType;
  #columns: Columns = [[]];

  constructor(spec: ChartSpec, palette: Palette) {
    this.#spec = spec;
    this.#target = byId(spec.id);
    if (spec.heightPxMin !== undefined) this.#target.style.minHeight = `${spec.heightPxMin}px`;
    this.#values = spec.legend.map(makeLegendEntry(byId(`${spec.id}-legend`)));
    this.#plot = this.#make(palette);
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(this.#target);
  }

  setPalette(palette: Palette): void {
    this.#plot.destroy();
    this.#plot = this.#make(palette);
  }

  draw(ticks: readonly Tick[]): void {
    this.#columns = this.#spec.columns(ticks);
    this.#plot.setData(this.#columns as uPlotType.AlignedData);
    this.#showValues();
    this.#target.setAttribute("aria-label", this.#spec.describe());
  }

  #make(palette: Palette): uPlotType {
    const { series, scaleY, axisY, bands, paint } = this.#spec;
    const axis = { stroke: palette.muted, font: FONT, ticks: { show: false } };
    const grid = { stroke: palette.grid, width: 1 };
    const options: uPlotType.Options = {
      ...this.#size(),
      legend: { show: false },
      cursor: { sync: { key: "time" }, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: true, range: spanOf }, y: scaleY },
      axes: [
        { ...axis, grid, size: 24, space: 70, values: (_, splits) => splits.map(formatClock) },
        { ...axis, grid, size: AXIS_Y_PX, ...axisY },
      ],
      series: [{}, ...series(palette)],
      bands: bands?.(palette) ?? [],
      padding: [8, 8, 0, 0],
      hooks: {
        setCursor: [() => this.#showValues()],
        ...(paint && { drawAxes: [(u: uPlotType) => paint(u, palette)] }),
      },
    };
    return new uPlot(options, this.#columns as uPlotType.AlignedData, this.#target);
  }

  #size(): { width: number; height: number } {
    return { width: this.#target.clientWidth, height: this.#target.clientHeight };
  }

  #showValues(): void {
    const index = this.#plot?.cursor.idx ?? this.#columns[0]!.length - 1;
    for (const [i, { value }] of this.#spec.legend.entries()) {
      const text = value?.(index) ?? "";
      const element = this.#values[i];
      if (element && element.textContent !== text) element.textContent = text;
    }
  }
}

function makeLegendEntry(legend: HTMLElement) {
  return ({ key, colour, shape, value }: LegendEntry): HTMLElement | undefined => {
    const mark = make("i", `key ${shape}`);
    mark.style.setProperty("--key", `var(--${colour})`);
    const text = value && make("b", "");
    legend.append(make("span", "", mark, `${key} `, ...(text ? [text] : [])));
    return text;
  };
}

function spanOf(u: uPlotType): [number, number] {
  const times = u.data[0];
  const last = times.at(-1) ?? Date.now() / 1000;
  const span = Math.min(Math.max(last - (times[0] ?? last), SPAN_S_MIN), SPAN_S_MAX);
  return [last - span, last];
}

function formatClock(atS: number): string {
  return new Date(atS * 1000).toLocaleTimeString("en-GB");
}
