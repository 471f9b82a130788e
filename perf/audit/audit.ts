import { type Progress, UNWATCHED } from "../../server/text/progress.ts";
import { doubleCharge, type Finding, isCounted, judgeCharge } from "./finding.ts";
import { narrow } from "./narrow.ts";
import type { Charge, ProcessorAdmin } from "./processor-admin.ts";
import type { Books, LedgerEntry } from "./service-api.ts";
import { forEachNamed, type Named, NO_TOTALS, type Totals, totalsEqual } from "./totals.ts";
import { EPOCH_MS, isWithin, type TimeWindow, windowQuery } from "./window.ts";

/** Whose books are compared with whom. */
export type Audited = {
  readonly service: Books;
  readonly processors: Named<ProcessorAdmin>;
};

export type AuditWish = {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Look at every payment, even where the totals agree: two mistakes may make up for each other. */
  readonly isFull?: boolean;
  readonly findingCountMax?: number | undefined;
  /** Is told, in words, how far the search has come. */
  readonly progress?: Progress;
};

export type AuditResult = {
  readonly window: TimeWindow;
  readonly service: Named<Totals>;
  readonly processors: Named<Totals>;
  readonly agrees: boolean;
  readonly findings: readonly Finding[];
  /** False when there is more to find than was asked for. */
  readonly isComplete: boolean;
};

const FINDING_COUNT_MAX_DEFAULT = 100;
/** Look-ups out at the same time. */
const LOOKUP_COUNT_MAX = 32;

/** Compares the service's ledger with what the processors have charged. Rejects when that cannot be done. */
export async function audit(parties: Audited, wish: AuditWish = {}): Promise<AuditResult> {
  const window = await settledWindow(parties.service, wish);
  const comparison = new Comparison(parties, wish.progress ?? UNWATCHED);
  const { service, processors } = await comparison.totals(window);
  const totalsAgree = comparison.names.every((name) => totalsEqual(service[name]!, processors[name]!));
  let isComplete = true;
  if (!totalsAgree || wish.isFull === true) {
    isComplete = await comparison.search(
      window,
      wish.isFull === true,
      wish.findingCountMax ?? FINDING_COUNT_MAX_DEFAULT,
    );
  }
  const { findings } = comparison;
  return { window, service, processors, agrees: totalsAgree && findings.length === 0, findings, isComplete };
}

/** The window wished for, or everything that is final. */
async function settledWindow(service: Books, { fromMs = EPOCH_MS, toMs }: AuditWish): Promise<TimeWindow> {
  const { settledUntilMs } = await service.windowTotals({ fromMs: EPOCH_MS, toMs: EPOCH_MS });
  const window = { fromMs, toMs: toMs ?? (settledUntilMs === undefined ? Date.now() : settledUntilMs - 1) };
  const text = (ms: number): string => new Date(ms).toISOString();
  if (settledUntilMs !== undefined && window.toMs >= settledUntilMs) {
    throw new Error(`window must be settled: to=${text(window.toMs)} settledUntil=${text(settledUntilMs)}`);
  }
  if (window.fromMs > window.toMs) {
    throw new Error(`from must not be after to: from=${text(window.fromMs)} to=${text(window.toMs)}`);
  }
  return window;
}

type CountedEntry = {
  readonly correlationId: string;
  readonly processor: string;
  readonly requestedAtMs: number;
  readonly cents: bigint;
};

/**
 * The search goes from the charges to the ledger: every charge in a millisecond where the totals differ is looked up
 * at the service. What the service counts beyond the entries met on this way is charged nowhere.
 */
class Comparison {
  readonly findings: Finding[] = [];
  /** Of the processors. */
  readonly names: readonly string[];
  readonly #parties: Audited;
  readonly #progress: Progress;
  #lookupCount = 0;
  /** Entries of the ledger that some charge has led to, by correlationId. */
  readonly #met = new Map<string, CountedEntry>();
  readonly #doubles = new Set<string>();

  constructor(parties: Audited, progress: Progress) {
    this.#parties = parties;
    this.#progress = progress;
    this.names = Object.keys(parties.processors);
  }

  async totals(window: TimeWindow): Promise<{ service: Named<Totals>; processors: Named<Totals> }> {
    const query = windowQuery(window);
    const [service, processors] = await Promise.all([
      this.#parties.service.windowTotals(window),
      forEachNamed<ProcessorAdmin, Totals>(this.#parties.processors, (processor) => processor.totals(query)),
    ]);
    return { service: this.#ofThese(service.processors), processors };
  }

  /** Throws unless service and audit know the same processors. */
  #ofThese(totals: Named<Totals>): Named<Totals> {
    const counted = Object.keys(totals);
    if (counted.length !== this.names.length || !this.names.every((name) => Object.hasOwn(totals, name))) {
      throw new Error(
        `the service must count the processors that are audited: counted=${counted} audited=${this.names}`,
      );
    }
    return totals;
  }

  /** False when the search ended early. */
  async search(window: TimeWindow, isFull: boolean, findingCountMax: number): Promise<boolean> {
    this.#progress("the totals are being compared");
    const suspects = isFull
      ? { windows: [window], isComplete: true }
      : await narrow(window, findingCountMax, (part) => this.#totalsDiffer(part));
    for (const suspect of suspects.windows) {
      for (const name of this.names) await this.#judgeCharges(name, suspect);
    }
    let isComplete = suspects.isComplete;
    for (const suspect of suspects.windows) {
      const unmet = await narrow(suspect, findingCountMax, (part) => this.#hasUnmet(part));
      for (const { fromMs } of unmet.windows) await this.#addMissing(fromMs);
      isComplete &&= unmet.isComplete;
    }
    return isComplete;
  }

  async #totalsDiffer(window: TimeWindow): Promise<boolean> {
    const { service, processors } = await this.totals(window);
    return this.names.some((name) => !totalsEqual(service[name]!, processors[name]!));
  }

  async #judgeCharges(name: string, window: TimeWindow): Promise<void> {
    const charges = await this.#parties.processors[name]!.list(window);
    if (charges === undefined) {
      await this.#addUnlisted(name, window);
      return;
    }
    for (let start = 0; start < charges.length; start += LOOKUP_COUNT_MAX) {
      const batch = charges.slice(start, start + LOOKUP_COUNT_MAX);
      await Promise.all(batch.map((charge) => this.#judge(name, charge)));
      this.#lookupCount += batch.length;
      this.#progress(`charges looked up: ${this.#lookupCount}, last at ${name}`);
    }
  }

  async #judge(name: string, charge: Charge): Promise<void> {
    const entry = await this.#parties.service.find(charge.correlationId);
    if (isCounted(entry)) this.#met.set(charge.correlationId, entry);
    const finding = judgeCharge(name, charge, entry);
    if (finding === undefined) return;
    const others = await this.#chargesElsewhere(name, charge.correlationId);
    if (others.size === 0) this.findings.push(finding);
    else this.#addDouble(name, charge, entry, others);
  }

  /** By name. */
  async #chargesElsewhere(name: string, correlationId: string): Promise<ReadonlyMap<string, Charge>> {
    const others = this.names.filter((other) => other !== name);
    const found = await Promise.all(others.map((other) => this.#parties.processors[other]!.find(correlationId)));
    return new Map(others.flatMap((other, i) => (found[i] === undefined ? [] : [[other, found[i]]])));
  }

  #addDouble(name: string, charge: Charge, entry: LedgerEntry | undefined, others: ReadonlyMap<string, Charge>): void {
    if (this.#doubles.has(charge.correlationId)) return;
    this.#doubles.add(charge.correlationId);
    this.findings.push(doubleCharge(name, charge, entry, others));
  }

  async #addUnlisted(name: string, window: TimeWindow): Promise<void> {
    const { service, processors } = await this.totals(window);
    const [ours, theirs] = [service[name]!, processors[name]!];
    if (totalsEqual(ours, theirs)) return;
    this.findings.push({
      kind: "differs",
      processor: name,
      correlationId: null,
      requestedAtMs: window.fromMs,
      cents: theirs.cents - ours.cents,
      detail: `the service counts ${ours.count}, the processor ${theirs.count}`,
    });
  }

  /** What the service counts in the window beyond the entries met. */
  async #unmet(window: TimeWindow): Promise<Named<Totals>> {
    const { processors } = await this.#parties.service.windowTotals(window);
    const unmet: Record<string, Totals> = { ...this.#ofThese(processors) };
    for (const { processor, requestedAtMs, cents } of this.#met.values()) {
      if (!isWithin(requestedAtMs, window)) continue;
      const { count, cents: sum } = unmet[processor] ?? NO_TOTALS;
      unmet[processor] = { count: count - 1, cents: sum - cents };
    }
    return unmet;
  }

  async #hasUnmet(window: TimeWindow): Promise<boolean> {
    const unmet = await this.#unmet(window);
    return this.names.some((name) => !totalsEqual(unmet[name]!, NO_TOTALS) && !this.#isUnlisted(name));
  }

  /** Nothing can be said of what a processor has not charged that does not list what it has. */
  #isUnlisted(name: string): boolean {
    return this.findings.some(({ kind, processor }) => kind === "differs" && processor === name);
  }

  async #addMissing(requestedAtMs: number): Promise<void> {
    const unmet = await this.#unmet({ fromMs: requestedAtMs, toMs: requestedAtMs });
    for (const name of this.names) {
      const { count, cents } = unmet[name]!;
      if (count === 0 || this.#isUnlisted(name)) continue;
      const detail = count === 1 ? "no processor has it" : `no processor has these ${count} payments`;
      this.findings.push({ kind: "missing", processor: name, correlationId: null, requestedAtMs, cents, detail });
    }
  }
}
