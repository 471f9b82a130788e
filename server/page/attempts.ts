import { formatCount } from "./format.ts";
import type { AttemptView, PaymentView } from "./payment-view.ts";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 62;
const RIGHT_MARGIN = 8;
const LANE_Y = { default: 22, fallback: 46 } as const;
const BAR_HEIGHT = 14;
/** An attempt of a millisecond shall be seen as well. */
const BAR_WIDTH_MIN = 3;
const AXIS_Y = 70;

const CHARGED = ["charged", "already charged", "found charged"];
const REFUSED = ["failing", "overloaded", "rejected", "misconfigured", "unreachable", "not found"];

/**
 * A payment's life as a picture: a lane per processor, a bar per attempt. The table beside it says the same in words.
 */
export function drawAttempts(payment: PaymentView, widthPx: number): SVGElement {
  const startMs = Date.parse(payment.acceptedAt);
  const ends = payment.attempts.map((attempt) => endOf(attempt) - startMs);
  const lengthMs = Math.max(10, ...ends) * 1.05;
  const right = widthPx - RIGHT_MARGIN;
  const xOf = (ms: number) => LEFT + ((right - LEFT) * ms) / lengthMs;
  const svg = element("svg", { viewBox: `0 0 ${widthPx} 84`, class: "attempts", role: "img" });
  svg.setAttribute("aria-label", `Time line of ${payment.attempts.length} attempts in ${formatCount(lengthMs)} ms`);
  for (const [name, y] of Object.entries(LANE_Y)) {
    svg.append(text(name, 0, y + 4), element("line", { x1: LEFT, x2: right, y1: y, y2: y, class: "lane" }));
  }
  for (const attempt of payment.attempts) svg.append(bar(attempt, startMs, xOf));
  svg.append(element("line", { x1: LEFT, x2: LEFT, y1: 8, y2: 60, class: "mark" }));
  for (const share of [0, 0.5, 1]) svg.append(tickLabel(lengthMs * share, xOf, share));
  return svg;
}

/** An attempt in flight lasts until now. */
function endOf({ time, ms }: AttemptView): number {
  return ms === null ? Math.max(Date.now(), Date.parse(time)) : Date.parse(time) + ms;
}

function bar(attempt: AttemptView, startMs: number, xOf: (ms: number) => number): SVGElement {
  const x = xOf(Date.parse(attempt.time) - startMs);
  const width = Math.max(xOf(endOf(attempt) - startMs) - x, BAR_WIDTH_MIN);
  const y = LANE_Y[attempt.processor as keyof typeof LANE_Y] - BAR_HEIGHT / 2;
  const rect = element("rect", { x, y, width, height: BAR_HEIGHT, rx: 2, class: classOf(attempt.outcome) });
  const title = element("title", {});
  const duration = attempt.ms === null ? "" : `, ${formatCount(attempt.ms)} ms`;
  title.textContent = `${attempt.processor}: ${attempt.outcome}${duration}`;
  rect.append(title);
  return rect;
}

function classOf(outcome: string): string {
  if (CHARGED.includes(outcome)) return "charged";
  return REFUSED.includes(outcome) ? "refused" : "open";
}

function tickLabel(ms: number, xOf: (ms: number) => number, share: number): SVGElement {
  const label = text(ms === 0 ? "accepted" : `+${formatCount(ms)} ms`, xOf(ms), AXIS_Y + 8);
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
