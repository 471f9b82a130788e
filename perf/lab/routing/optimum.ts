import { isAllowed } from "./rule.ts";
import { type ProcessorWeather, spellAt, type Weather } from "./weather.ts";

const WINDOW_MS_MIN = 100;
/** Charges in a window of a processor without delay: as many as anybody wants. */
const UNBOUNDED = 1e9;

/** Room for so many payments: of those accepted from `fromMs` to `toMs`, both included. */
type Slot = { readonly fromMs: number; readonly toMs: number; readonly count: number };
type Opening = { readonly fromMs: number; readonly toMs: number };

/**
 * The most that anybody could earn who knew the weather, in payments' amounts: what is charged in time, less its fee.
 *
 * A slot is a place at a processor at a time: a payment can have it that was accepted before and is in time when the
 * charge lands. All payments being worth the same, sets of slots that can all be filled are the independent sets of a
 * transversal matroid, and slots of one processor have one worth, so the greedy choice is best: with the k cheapest
 * processors M(k) payments can be charged in time, and the optimum is the sum of (M(k) − M(k−1)) × (1 − fee of k).
 * M(k) is a largest matching in a convex bipartite graph: each payment in its order takes the slot that ends first
 * (Glover 1967).
 *
 * It is an upper bound: a spell begins with the whole capacity, as if nothing were under way from the one before; what
 * is closed between the first and the last open moment of a window counts as open; network and limits of ours cost
 * nothing.
 */
export function optimumOf(weather: Weather): number {
  const order = weather.processors
    .map((_, p) => p)
    .sort((a, b) => weather.processors[a]!.feePpm - weather.processors[b]!.feePpm);
  const slots: Slot[] = [];
  let earned = 0;
  let matchedBefore = 0;
  for (const processor of order) {
    slots.push(...slotsOf(weather, processor));
    const matched = matchedCount(weather.arrivalsMs, slots);
    earned += (matched - matchedBefore) * (1 - weather.processors[processor]!.feePpm / 1e6);
    matchedBefore = matched;
  }
  return earned;
}

/**
 * A processor that takes C at once begins at most C in any time as long as its delay. So each spell is cut into windows
 * of its delay, or of some delays where that is short, and each has room for C a delay, at any moment at which what
 * begins is charged and allowed.
 */
function slotsOf({ processors, durationMs, settleWithinMs, answerWithinMs }: Weather, processor: number): Slot[] {
  const { spells } = processors[processor]!;
  const endMs = durationMs + settleWithinMs;
  const openings = openingsOf(processors, processor, endMs, answerWithinMs);
  const slots: Slot[] = [];
  for (const [i, { atMs, delayMs, capacity }] of spells.entries()) {
    const spellEndMs = Math.min(spells[i + 1]?.atMs ?? endMs, endMs);
    const delayCount = delayMs === 0 ? 1 : Math.ceil(WINDOW_MS_MIN / delayMs);
    const windowMs = delayMs === 0 ? WINDOW_MS_MIN : delayCount * delayMs;
    const count = delayMs === 0 ? UNBOUNDED : delayCount * capacity;
    for (let windowAtMs = atMs; windowAtMs < spellEndMs; windowAtMs += windowMs) {
      const open = openPartOf(openings, windowAtMs, Math.min(windowAtMs + windowMs, spellEndMs));
      if (open) slots.push({ fromMs: open.fromMs + delayMs - settleWithinMs, toMs: open.toMs, count });
    }
  }
  return slots;
}

/** When the processor is allowed, and charges what begins; exactly, in order. */
function openingsOf(
  processors: readonly ProcessorWeather[],
  processor: number,
  endMs: number,
  answerWithinMs: number,
): Opening[] {
  const own = processors[processor]!;
  const changes = processors.flatMap(({ spells }) => spells.map(({ atMs }) => atMs));
  // What begins a delay before a change meets it as the delay is over.
  for (const { delayMs } of own.spells) changes.push(...own.spells.map(({ atMs }) => atMs - delayMs));
  const inOrder = [...new Set(changes)].filter((atMs) => atMs >= 0 && atMs < endMs).sort((a, b) => a - b);
  const openings: Opening[] = [];
  for (const [i, fromMs] of inOrder.entries()) {
    if (!isAllowed(processors, processor, fromMs, answerWithinMs) || !isChargedFrom(own, fromMs)) continue;
    openings.push({ fromMs, toMs: inOrder[i + 1] ?? endMs });
  }
  return openings;
}

/** From the first to the last moment of a window that is open. */
function openPartOf(openings: readonly Opening[], fromMs: number, toMs: number): Opening | undefined {
  let low = 0;
  let high = openings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (openings[middle]!.toMs <= fromMs) low = middle + 1;
    else high = middle;
  }
  const first = openings[low];
  if (first === undefined || first.fromMs >= toMs) return undefined;
  let last = first;
  for (let i = low; i < openings.length && openings[i]!.fromMs < toMs; i++) last = openings[i]!;
  return { fromMs: Math.max(fromMs, first.fromMs), toMs: Math.min(toMs, last.toMs) };
}

/** Whether a request that begins then is charged when its delay is over. */
function isChargedFrom({ spells }: ProcessorWeather, atMs: number): boolean {
  const { delayMs } = spellAt(spells, atMs);
  return !spellAt(spells, atMs + delayMs).failing;
}

/** How many of the payments can have a slot each. */
export function matchedCount(arrivalsMs: Float64Array, slots: readonly Slot[]): number {
  const byStart = [...slots].sort((a, b) => a.fromMs - b.fromMs);
  const open = new SlotHeap();
  let next = 0;
  let matched = 0;
  for (const atMs of arrivalsMs) {
    while (next < byStart.length && byStart[next]!.fromMs <= atMs) open.add(byStart[next++]!);
    if (open.takeFrom(atMs)) matched++;
  }
  return matched;
}

/** The slots that have begun, the first to end on top. */
class SlotHeap {
  readonly #slots: { toMs: number; left: number }[] = [];

  add({ toMs, count }: Slot): void {
    const slots = this.#slots;
    let at = slots.push({ toMs, left: count }) - 1;
    while (at > 0 && slots[(at - 1) >> 1]!.toMs > slots[at]!.toMs) {
      const parent = (at - 1) >> 1;
      [slots[at], slots[parent]] = [slots[parent]!, slots[at]!];
      at = parent;
    }
  }

  /** Takes a place in the slot that ends first and has not ended at `atMs`. */
  takeFrom(atMs: number): boolean {
    const slots = this.#slots;
    while (slots.length > 0 && (slots[0]!.toMs < atMs || slots[0]!.left === 0)) this.#drop();
    if (slots.length === 0) return false;
    slots[0]!.left--;
    return true;
  }

  #drop(): void {
    const slots = this.#slots;
    const last = slots.pop()!;
    if (slots.length === 0) return;
    slots[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < slots.length; child++)
        if (slots[child]!.toMs < slots[least]!.toMs) least = child;
      if (least === at) return;
      [slots[at], slots[least]] = [slots[least]!, slots[at]!];
      at = least;
    }
  }
}
