import { formatCount, shorten } from "./format.ts";
import type { AttemptView, PaymentView } from "./payment-view.ts";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 62;
const LANE_NAME_MAX = 8;
const RIGHT_MARGIN = 8;
const LANE_PX = 24;
const FIRST_LANE_Y = 22;
const BAR_HEIGHT = 14;
/** An attempt of a millisecond shall be seen as well. */
const BAR_WIDTH_MIN = 3;

const CHARGED = ["charged", "already charged", "found charged"];
const REFUSED = ["failing", "overloaded", "rejected", "misconfigured", "unreachable", "not found"];

/**
 * A payment's life as a picture: a lane per processor that was tried, a bar per attempt. The table beside it says the
 * same in words.
 */
export function drawAttempts(payment: PaymentView, widthPx: number): SVGElement {
  const startMs = Date.parse(payment.acceptedAt);
  const ends = payment.attempts.map((attempt) => endOf(attempt) - startMs);
  const lengthMs = Math.max(10, ...ends) * 1.05;
  const right = widthPx - RIGHT_MARGIN;
  const xOf = (ms: number) => LEFT + ((right - LEFT) * ms) / lengthMs;
  const lanes = [...new Set(payment.attempts.map(nameOf))];
  const laneY = (name: string) => FIRST_LANE_Y + Math.max(0, lanes.indexOf(name)) * LANE_PX;
  const axisY = FIRST_LANE_Y + Math.max(1, lanes.length) * LANE_PX;
  const svg = element("svg", { viewBox: `0 0 ${widthPx} ${axisY + 14}`, class: "attempts", role: "img" });
  svg.setAttribute("aria-label", `Time line of ${payment.attempts.length} attempts in ${formatCount(lengthMs)} ms`);
  for (const name of lanes) {
    const y = laneY(name);
    svg.append(
      text(shorten(name, LANE_NAME_MAX), 0, y + 4),
      element("line", { x1: LEFT, x2: right, y1: y, y2: y, class: "lane" }),
    );
  }
  for (const attempt of payment.attempts) svg.append(bar(attempt, laneY(nameOf(attempt)), startMs, xOf));
  svg.append(element("line", { x1: LEFT, x2: LEFT, y1: 8, y2: axisY - 10, class: "mark" }));
  for (const share of [0, 0.5, 1]) svg.append(tickLabel(lengthMs * share, axisY, xOf, share));
  return svg;
}

/** An attempt in flight lasts until now. */
function endOf({ time, ms }: AttemptView): number {
  return ms === null ? Math.max(Date.now(), Date.parse(time)) : Date.parse(time) + ms;
}

function bar(attempt: AttemptView, laneY: number, startMs: number, xOf: (ms: number) => number): SVGElement {
  const x = xOf(Date.parse(attempt.time) - startMs);
  const width = Math.max(xOf(endOf(attempt) - startMs) - x, BAR_WIDTH_MIN);
  const y = laneY - BAR_HEIGHT / 2;
  const rect = element("rect", { x, y, width, height: BAR_HEIGHT, rx: 2, class: classOf(attempt.outcome) });
  const title = element("title", {});
  const duration = attempt.ms === null ? "" : `, ${formatCount(attempt.ms)} ms`;
  const reason = attempt.reason === null ? "" : `, sent there: ${attempt.reason}`;
  title.textContent = `${nameOf(attempt)}: ${attempt.outcome}${duration}${reason}`;
  rect.append(title);
  return rect;
}

/** One that is no longer configured has no name. */
export function nameOf({ processor }: AttemptView): string {
  return processor ?? "removed";
}

function classOf(outcome: string): string {
  if (CHARGED.includes(outcome)) return "charged";
  return REFUSED.includes(outcome) ? "refused" : "open";
}

function tickLabel(ms: number, axisY: number, xOf: (ms: number) => number, share: number): SVGElement {
  const label = text(ms === 0 ? "accepted" : `+${formatCount(ms)} ms`, xOf(ms), axisY + 8);
  label.setAttribute("text-anchor", share === 0 ? "start" : share === 1 ? "end" : "middle");
  return label;
}

function text(content: string, x: number, y: number): SVGElement {
  const label = element("text", { x, y });
  label.textContent = content;
  return label;
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
