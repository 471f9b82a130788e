import type uPlotType from "uplot";
import type { ChartSpec, Columns } from "./chart.ts";
import { formatCount, formatMs, formatRate, NOTHING, shorten } from "./format.ts";
import type { Point, Tick } from "./history.ts";
import { paintHealth, paintHeat, textOf } from "./paint.ts";
import { processorColour } from "./theme.ts";

/** Marks at whole numbers of payments. */
const COUNT_AXIS: uPlotType.Axis = {
  space: 22,
  incrs: [1, 2, 5].flatMap((step) => [0, 1, 2, 3, 4, 5, 6, 7].map((zeros) => step * 10 ** zeros)).sort((a, b) => a - b),
  values: (_, splits) => splits.map((value) => formatCount(value)),
};

/** So that a lane has room for a word. */
const HEALTH_LANE_PX = 24;
const HEALTH_AXIS_PX = 36;
const LANE_NAME_MAX = 8;

/** Top of an axis that begins at zero: room above the largest value, and never flat. */
function fromZero(minimum: number): uPlotType.Scale {
  return { range: (_, __, max) => [0, Math.max(minimum, (max ?? 0) * 1.1)] };
}

/** A chart's columns, from one number of each tick per series; a tick without it breaks the line. */
function columnsOf(ticks: readonly Tick[], view: number, values: ((point: Point) => number | undefined)[]): Columns {
  const numbers = values.map((read) =>
    ticks.map(({ views }) => {
      const point = views[view];
      return point ? (read(point) ?? null) : null;
    }),
  );
  return [ticks.map(({ atS }) => atS), ...numbers];
}

/** Which ticks to draw, and which view of them. */
type Shown = { readonly ticks: readonly Tick[]; readonly view: number };

/** The four charts. `shown` is read anew whenever one is drawn. `processors`: their names. */
export function chartSpecs(shown: Shown, processors: readonly string[]): ChartSpec[] {
  return [throughputOver(shown, processors), latencyOver(shown), healthOver(shown, processors), backlogOver(shown)];
}

const pointAt = ({ ticks, view }: Shown, index: number): Point | null | undefined => ticks[index]?.views[view];
const latest = ({ ticks }: Shown): number => ticks.length - 1;

function throughputOver(shown: Shown, processors: readonly string[]): ChartSpec {
  const flowAt = (index: number) => pointAt(shown, index)?.flow;
  // Each area is stacked on those of the processors before it, so that together they reach what is processed; the
  // topmost is drawn first.
  const topmostFirst = processors.map((_, processor) => processors.length - 1 - processor);
  const sumTo = (counts: readonly number[], processor: number): number =>
    counts.slice(0, processor + 1).reduce((sum, count) => sum + count, 0);
  return {
    id: "throughput",
    series: (palette) => [
      ...topmostFirst.map((processor) => {
        const colour = palette.processors[processor]!;
        return { stroke: colour, fill: colour, width: 1, points: { show: false } };
      }),
      { stroke: palette.accepted, width: 2, dash: [6, 4], points: { show: false } },
    ],
    scaleY: fromZero(10),
    axisY: COUNT_AXIS,
    columns: (ticks) =>
      columnsOf(ticks, shown.view, [
        ...topmostFirst.map(
          (processor) =>
            ({ flow }: Point) =>
              flow && sumTo(flow.chargesPerS, processor),
        ),
        ({ flow }) => flow?.acceptedPerS,
      ]),
    legend: [
      { key: "accepted", colour: "accepted", shape: "key-dashed", value: (i) => formatRate(flowAt(i)?.acceptedPerS) },
      ...processors.map((name, processor) => ({
        key: `by ${name}`,
        colour: processorColour(processor),
        shape: "" as const,
        value: (i: number) => formatRate(flowAt(i)?.chargesPerS[processor]),
      })),
    ],
    describe: () => {
      const flow = flowAt(latest(shown));
      const charges = processors.map((name, processor) => `by ${name} ${formatRate(flow?.chargesPerS[processor])}`);
      const accepted = `accepted ${formatRate(flow?.acceptedPerS)}`;
      return `Throughput over time. Now, per second: ${accepted}, processed ${charges.join(", ")}.`;
    },
  };
}

function latencyOver(shown: Shown): ChartSpec {
  const flowAt = (index: number) => pointAt(shown, index)?.flow;
  return {
    id: "latency",
    series: (palette) => [
      { stroke: palette.text, width: 1.5, points: { show: false } },
      { stroke: palette.bad, width: 1.5, points: { show: false } },
    ],
    scaleY: { distr: 3, log: 10, range: (_, min, max) => decadesOf(min, max) },
    axisY: { splits: (_, __, min, max) => decades(min, max), values: (_, splits) => splits.map(String) },
    paint: (u, palette) => paintHeat(u, palette, shown.ticks, shown.view),
    columns: (ticks) => columnsOf(ticks, shown.view, [({ flow }) => flow?.p50Ms, ({ flow }) => flow?.p99Ms]),
    legend: [
      { key: "answers", colour: "heat", shape: "" },
      { key: "p50", colour: "text", shape: "key-line", value: (i) => formatMs(flowAt(i)?.p50Ms) },
      { key: "p99", colour: "bad", shape: "key-line", value: (i) => formatMs(flowAt(i)?.p99Ms) },
    ],
    describe: () => {
      const flow = flowAt(latest(shown));
      const percentiles = `median ${formatMs(flow?.p50Ms)}, 99th percentile ${formatMs(flow?.p99Ms)} milliseconds`;
      return `Latency of POST /payments over time. Now: ${percentiles}.`;
    },
  };
}

function healthOver(shown: Shown, processors: readonly string[]): ChartSpec {
  const stateAt = (index: number, processor: number): string => {
    const now = pointAt(shown, index)?.standing.processors[processor];
    return now ? textOf(now) : NOTHING;
  };
  const { length } = processors;
  // The first is on top.
  const lanes = processors.map((_, lane) => lane + 0.5);
  return {
    id: "health",
    heightPxMin: HEALTH_LANE_PX * length + HEALTH_AXIS_PX,
    series: () => [{ show: true, stroke: "transparent", points: { show: false } }],
    scaleY: { range: () => [0, length] },
    axisY: {
      splits: () => lanes,
      space: 0,
      values: () => [...processors].reverse().map((name) => shorten(name, LANE_NAME_MAX)),
      grid: { show: false },
    },
    paint: (u, palette) => paintHealth(u, palette, shown.ticks, shown.view, length),
    columns: (ticks) => columnsOf(ticks, shown.view, [() => 0]),
    legend: [
      ...processors.map((name, processor) => ({
        key: name,
        colour: processorColour(processor),
        shape: "key-line" as const,
        value: (i: number) => stateAt(i, processor),
      })),
      { key: "up", colour: "good-soft", shape: "" },
      { key: "slow, failing or down", colour: "bad", shape: "key-hatched" },
    ],
    describe: () => {
      const states = processors.map((name, processor) => `${name} ${stateAt(latest(shown), processor)}`);
      return `State of the processors over time, with the least response time they report. Now: ${states.join("; ")}.`;
    },
  };
}

function backlogOver(shown: Shown): ChartSpec {
  const standingAt = (index: number) => pointAt(shown, index)?.standing;
  const count = (value: number | undefined) => (value === undefined ? NOTHING : formatCount(value));
  return {
    id: "backlog",
    series: (palette) => [
      { stroke: palette.text, width: 2, points: { show: false } },
      { stroke: palette.muted, width: 1.5, dash: [2, 3], points: { show: false } },
      { stroke: palette.doubt, width: 2, dash: [8, 4], points: { show: false } },
    ],
    scaleY: fromZero(10),
    axisY: COUNT_AXIS,
    columns: (ticks) =>
      columnsOf(ticks, shown.view, [
        ({ standing }) => standing.pending,
        ({ standing }) => standing.sending,
        ({ standing }) => standing.inDoubt,
      ]),
    legend: [
      { key: "pending", colour: "text", shape: "key-line", value: (i) => count(standingAt(i)?.pending) },
      { key: "being sent", colour: "muted", shape: "key-dashed", value: (i) => count(standingAt(i)?.sending) },
      { key: "in doubt", colour: "doubt", shape: "key-dashed", value: (i) => count(standingAt(i)?.inDoubt) },
    ],
    describe: () => {
      const now = standingAt(latest(shown));
      const states = `${count(now?.sending)} being sent, ${count(now?.inDoubt)} in doubt`;
      return `Payments not yet processed over time. Now: ${count(now?.pending)} pending, ${states}.`;
    },
  };
}

/** Whole decades of milliseconds around what there is, two at least. */
function decadesOf(min: number | null, max: number | null): [number, number] {
  // Half the least median: most answers below it are shown as well.
  const low = Math.min(Math.floor(Math.log10((min || 0.2) / 2)), -1);
  const high = Math.max(Math.ceil(Math.log10(max || 10)), low + 2);
  return [10 ** low, 10 ** high];
}

/** The powers of ten from `min` to `max`, both included. */
function decades(min: number, max: number): number[] {
  const low = Math.round(Math.log10(min));
  const high = Math.round(Math.log10(max));
  return Array.from({ length: high - low + 1 }, (_, i) => Number(`1e${low + i}`));
}
