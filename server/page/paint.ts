import type uPlotType from "uplot";
import { bucketEndMs } from "../meters/duration-histogram.ts";
import { formatCount } from "./format.ts";
import type { ProcessorNow, Tick } from "./history.ts";
import type { Palette } from "./theme.ts";

/** Buckets drawn as one: an eighth of a doubling is finer than a screen shows. */
const BUCKETS_PER_CELL = 4;
/** So that the palest cell is still seen. */
const ALPHA_MIN = 0.15;
const LABEL_GAP_PX = 8;

/** Left and right edge of each tick in canvas pixels: from the tick before, unless there is a gap. */
function eachTick(
  u: uPlotType,
  ticks: readonly Tick[],
  onTick: (tick: Tick, left: number, right: number) => void,
): void {
  const { left: plotLeft, width } = u.bbox;
  for (let i = 1; i < ticks.length; i++) {
    if (ticks[i - 1]!.views.length === 0) continue;
    const left = Math.max(u.valToPos(ticks[i - 1]!.atS, "x", true), plotLeft);
    const right = Math.min(u.valToPos(ticks[i]!.atS, "x", true), plotLeft + width);
    if (right > left) onTick(ticks[i]!, left, right);
  }
}

/** How many answers took how long: the darker, the more of them, on a root scale so that the few slow ones are seen. */
export function paintHeat(u: uPlotType, palette: Palette, ticks: readonly Tick[], view: number): void {
  const cellsOf = (tick: Tick): Float64Array => inCells(tick.views[view]?.flow?.latency ?? new Float64Array(0));
  const countMax = Math.max(1, ...ticks.flatMap((tick) => Math.max(0, ...cellsOf(tick))));
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = palette.heat;
  eachTick(u, ticks, (tick, left, right) => {
    for (const [cell, count] of cellsOf(tick).entries()) {
      if (count <= 0) continue;
      const top = u.valToPos(bucketEndMs((cell + 1) * BUCKETS_PER_CELL - 1), "y", true);
      const bottom = u.valToPos(cell === 0 ? 1e-3 : bucketEndMs(cell * BUCKETS_PER_CELL - 1), "y", true);
      ctx.globalAlpha = ALPHA_MIN + (1 - ALPHA_MIN) * Math.sqrt(count / countMax);
      ctx.fillRect(left, top, right - left, bottom - top);
    }
  });
  ctx.restore();
}

function inCells(latency: Float64Array): Float64Array {
  const cells = new Float64Array(Math.ceil(latency.length / BUCKETS_PER_CELL));
  for (const [bucket, count] of latency.entries()) cells[Math.floor(bucket / BUCKETS_PER_CELL)]! += count;
  return cells;
}

/**
 * A lane per processor, the first on top: plain while it works, hatched while it does not or is slow, and what it says
 * when that changes.
 */
export function paintHealth(
  u: uPlotType,
  palette: Palette,
  ticks: readonly Tick[],
  view: number,
  processorCount: number,
): void {
  const { ctx, bbox } = u;
  const hatch = hatching(ctx, palette);
  const laneHeight = bbox.height / processorCount;
  ctx.save();
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.font = `${11 * devicePixelRatio}px system-ui, "DejaVu Sans", sans-serif`;
  const gap = Math.min(4, laneHeight / 8);
  for (let lane = 0; lane < processorCount; lane++) {
    const top = bbox.top + lane * laneHeight + gap;
    const height = laneHeight - 2 * gap;
    for (const { now, left, right } of stretches(u, ticks, view, lane)) {
      ctx.fillStyle = now.state === "up" || now.state === "full" ? palette["good-soft"] : hatch;
      ctx.fillRect(left, top, right - left, height);
      ctx.fillStyle = palette.processors[lane % palette.processors.length]!;
      ctx.fillRect(left, top + height - 3, right - left, 3);
      label(ctx, palette, textOf(now), left, right, top + height / 2);
    }
  }
  ctx.restore();
}

/** In a few words; a response time of zero is not worth one. */
export function textOf({ state, minResponseMs }: ProcessorNow): string {
  const response = minResponseMs === 0 ? "" : `${formatCount(minResponseMs)} ms`;
  return state === "up" ? response || "up" : [state, response].filter((text) => text !== "").join(", ");
}

/** On a plate of its own, so that it can be read on hatching; nothing if there is no room. */
function label(
  ctx: CanvasRenderingContext2D,
  palette: Palette,
  text: string,
  left: number,
  right: number,
  y: number,
): void {
  const gap = LABEL_GAP_PX * devicePixelRatio;
  const { width } = ctx.measureText(text);
  if (right - left < width + 2 * gap) return;
  ctx.fillStyle = palette.panel;
  ctx.fillRect(left + gap / 2, y - gap, width + gap, 2 * gap);
  ctx.fillStyle = palette.text;
  ctx.fillText(text, left + gap, y);
}

type Stretch = { now: ProcessorNow; left: number; right: number };

/** Neighbouring ticks with the same to say, put together. */
function stretches(u: uPlotType, ticks: readonly Tick[], view: number, processor: number): Stretch[] {
  const found: Stretch[] = [];
  eachTick(u, ticks, (tick, left, right) => {
    const now = tick.views[view]?.standing.processors[processor];
    if (now === undefined) return;
    const last = found.at(-1);
    const goesOn =
      last && last.right >= left - 1 && last.now.state === now.state && last.now.minResponseMs === now.minResponseMs;
    if (goesOn) last.right = right;
    else found.push({ now, left, right });
  });
  return found;
}

function hatching(ctx: CanvasRenderingContext2D, palette: Palette): CanvasPattern {
  const size = Math.round(8 * devicePixelRatio);
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d")!;
  pen.fillStyle = palette["bad-soft"];
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = palette.bad;
  pen.lineWidth = size / 4;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return ctx.createPattern(tile, "repeat")!;
}
