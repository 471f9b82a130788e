import { isAllowed } from "./rule.ts";
import { type ProcessorWeather, spellAt, type Weather } from "./weather.ts";

const SLICE_MS = 100;
/** Charges in a slice of a processor without delay: as many as anybody wants. */
const UNBOUNDED = 1e9;

/** Room for so many payments: of those accepted from `fromMs` to `toMs`, both included. */
type Slot = { readonly fromMs: number; readonly toMs: number; readonly count: number };

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
 * It is an upper bound: a slice of 100 ms counts as usable if it is at either end; a spell's first slice has the whole
 * capacity on top, as if nothing were under way; network and limits of ours cost nothing.
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

function slotsOf({ processors, durationMs, settleWithinMs, answerWithinMs }: Weather, processor: number): Slot[] {
  const own = processors[processor]!;
  const slots: Slot[] = [];
  let carried = 1;
  let before: unknown;
  for (let atMs = 0; atMs < durationMs + settleWithinMs; atMs += SLICE_MS) {
    const endMs = atMs + SLICE_MS;
    const isOpen = [atMs, endMs].some(
      (ms) => isAllowed(processors, processor, ms, answerWithinMs) && isChargedFrom(own, ms),
    );
    if (!isOpen) continue;
    const spells = [spellAt(own.spells, atMs), spellAt(own.spells, endMs)];
    const delayMs = Math.min(...spells.map((spell) => spell.delayMs));
    const capacity = Math.max(...spells.map((spell) => spell.capacity));
    const perSlice = delayMs === 0 ? UNBOUNDED : (capacity * SLICE_MS) / delayMs;
    carried += perSlice + (spells.includes(before as never) ? 0 : capacity);
    before = spells[1];
    const count = Math.floor(carried);
    carried -= count;
    if (count > 0) slots.push({ fromMs: atMs + delayMs - settleWithinMs, toMs: endMs, count });
  }
  return slots;
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
