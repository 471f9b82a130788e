import { PROCESSOR_NAMES } from "../../core/values/processor.ts";
import { doubleCharge, type Finding, isCounted, judgeCharge, otherRole } from "./finding.ts";
import { narrow } from "./narrow.ts";
import type { Parties } from "./parties.ts";
import type { Charge } from "./processor-admin.ts";
import type { LedgerEntry, ServiceApi } from "./service-api.ts";
import { forEachRole, NO_TOTALS, type PerRole, type Role, type Totals, totalsEqual } from "./totals.ts";
import { EPOCH_MS, isWithin, type TimeWindow, windowQuery } from "./window.ts";

export type AuditWish = {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Look at every payment, even where the totals agree: two mistakes may make up for each other. */
  readonly isFull?: boolean;
  readonly findingCountMax?: number | undefined;
};

export type AuditResult = {
  readonly window: TimeWindow;
  readonly service: PerRole<Totals>;
  readonly processors: PerRole<Totals>;
  readonly agrees: boolean;
  readonly findings: readonly Finding[];
  /** False when there is more to find than was asked for. */
  readonly isComplete: boolean;
};

const FINDING_COUNT_MAX_DEFAULT = 100;
/** Look-ups out at the same time. */
const LOOKUP_COUNT_MAX = 32;

/** Compares the service's ledger with what the processors have charged. Rejects when that cannot be done. */
export async function audit(parties: Parties, wish: AuditWish = {}): Promise<AuditResult> {
  const window = await settledWindow(parties.service, wish);
  const comparison = new Comparison(parties);
  const { service, processors } = await comparison.totals(window);
  const totalsAgree = PROCESSOR_NAMES.every((role) => totalsEqual(service[role], processors[role]));
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
async function settledWindow(service: ServiceApi, { fromMs = EPOCH_MS, toMs }: AuditWish): Promise<TimeWindow> {
  const { settledUntilMs } = await service.totals(windowQuery({ fromMs: EPOCH_MS, toMs: EPOCH_MS }));
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
  readonly processor: Role;
  readonly requestedAtMs: number;
  readonly cents: bigint;
};

/**
 * The search goes from the charges to the ledger: every charge in a millisecond where the totals differ is looked up
 * at the service. What the service counts beyond the entries met on this way is charged nowhere.
 */
class Comparison {
  readonly findings: Finding[] = [];
  readonly #parties: Parties;
  /** Entries of the ledger that some charge has led to, by correlationId. */
  readonly #met = new Map<string, CountedEntry>();
  readonly #doubles = new Set<string>();

  constructor(parties: Parties) {
    this.#parties = parties;
  }

  async totals(window: TimeWindow): Promise<{ service: PerRole<Totals>; processors: PerRole<Totals> }> {
    const query = windowQuery(window);
    const [service, processors] = await Promise.all([
      this.#parties.service.totals(query),
      forEachRole((role) => this.#parties.processors[role].totals(query)),
    ]);
    return { service, processors };
  }

  /** False when the search ended early. */
  async search(window: TimeWindow, isFull: boolean, findingCountMax: number): Promise<boolean> {
    const suspects = isFull
      ? { windows: [window], isComplete: true }
      : await narrow(window, findingCountMax, (part) => this.#totalsDiffer(part));
    for (const suspect of suspects.windows) {
      for (const role of PROCESSOR_NAMES) await this.#judgeCharges(role, suspect);
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
    return PROCESSOR_NAMES.some((role) => !totalsEqual(service[role], processors[role]));
  }

  async #judgeCharges(role: Role, window: TimeWindow): Promise<void> {
    const charges = await this.#parties.processors[role].list(window);
    if (charges === undefined) {
      await this.#addUnlisted(role, window);
      return;
    }
    for (let start = 0; start < charges.length; start += LOOKUP_COUNT_MAX) {
      const batch = charges.slice(start, start + LOOKUP_COUNT_MAX);
      await Promise.all(batch.map((charge) => this.#judge(role, charge)));
    }
  }

  async #judge(role: Role, charge: Charge): Promise<void> {
    const entry = await this.#parties.service.find(charge.correlationId);
    if (isCounted(entry)) this.#met.set(charge.correlationId, entry);
    const finding = judgeCharge(role, charge, entry);
    if (finding === undefined) return;
    const other = await this.#parties.processors[otherRole(role)].find(charge.correlationId);
    if (other === undefined) this.findings.push(finding);
    else this.#addDouble(role, charge, entry, other);
  }

  #addDouble(role: Role, charge: Charge, entry: LedgerEntry | undefined, other: Charge): void {
    if (this.#doubles.has(charge.correlationId)) return;
    this.#doubles.add(charge.correlationId);
    this.findings.push(doubleCharge(role, charge, entry, other));
  }

  async #addUnlisted(role: Role, window: TimeWindow): Promise<void> {
    const { service, processors } = await this.totals(window);
    const [ours, theirs] = [service[role], processors[role]];
    if (totalsEqual(ours, theirs)) return;
    this.findings.push({
      kind: "differs",
      processor: role,
      correlationId: null,
      requestedAtMs: window.fromMs,
      cents: theirs.cents - ours.cents,
      detail: `the service counts ${ours.count}, the processor ${theirs.count}`,
    });
  }

  /** What the service counts in the window beyond the entries met. */
  async #unmet(window: TimeWindow): Promise<PerRole<Totals>> {
    const counted = await this.#parties.service.totals(windowQuery(window));
    const unmet: Record<Role, Totals> = { default: counted.default, fallback: counted.fallback };
    for (const { processor, requestedAtMs, cents } of this.#met.values()) {
      if (!isWithin(requestedAtMs, window)) continue;
      unmet[processor] = { count: unmet[processor].count - 1, cents: unmet[processor].cents - cents };
    }
    return unmet;
  }

  async #hasUnmet(window: TimeWindow): Promise<boolean> {
    const unmet = await this.#unmet(window);
    return PROCESSOR_NAMES.some((role) => !totalsEqual(unmet[role], NO_TOTALS) && !this.#isUnlisted(role));
  }

  /** Nothing can be said of what a processor has not charged that does not list what it has. */
  #isUnlisted(role: Role): boolean {
    return this.findings.some(({ kind, processor }) => kind === "differs" && processor === role);
  }

  async #addMissing(requestedAtMs: number): Promise<void> {
    const unmet = await this.#unmet({ fromMs: requestedAtMs, toMs: requestedAtMs });
    for (const role of PROCESSOR_NAMES) {
      const { count, cents } = unmet[role];
      if (count === 0 || this.#isUnlisted(role)) continue;
      const detail = count === 1 ? "no processor has it" : `no processor has these ${count} payments`;
      this.findings.push({ kind: "missing", processor: role, correlationId: null, requestedAtMs, cents, detail });
    }
  }
}
