import type { Ledger } from "../../../core/ledger/ledger.ts";
import { type FoundCharge, judgePast, type Testimony } from "../../../core/restored/past-verdict.ts";
import type { Suspect } from "../../../core/salvage/salvage.ts";
import type { Slot } from "../../../core/values/number-types.ts";
import * as State from "../../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../../core/values/uuid.ts";
import { testimonyOf } from "../../restored/testimony.ts";
import { ChargeLookup } from "../../sending/charge-lookup.ts";
import type { Told } from "../../sending/told-charge.ts";
import { NameLookup } from "../../system/name-lookup.ts";
import { RealNetwork } from "../../system/real-network.ts";
import { RealTime } from "../../system/time.ts";
import type { Progress } from "../../text/progress.ts";

const TIMEOUT_MS = 5000;
const TRIES = 3;
const ASKED_AT_ONCE = 16;

export type Asked = {
  suspect: Suspect;
  correlationId: string;
  /** By processor; undefined where nobody was asked. */
  told: readonly (Told | undefined)[];
  /** Where and when it was charged, if that is proven. */
  charge: FoundCharge | undefined;
};

/**
 * Asks the processors about each suspect. `urls` by processor; one without a URL is not asked, and says nothing. A
 * charge is proven when one processor has it and all others say that they do not, or when several have it.
 */
export async function askAbout(
  suspects: readonly Suspect[],
  ledger: Ledger,
  urls: readonly (URL | undefined)[],
  lostFromMs: number,
  progress: Progress,
): Promise<Asked[]> {
  const names = new NameLookup();
  const parts = { network: new RealNetwork(names), time: new RealTime() };
  const lookups = urls.map((url) => url && new ChargeLookup({ url, headers: [], tls: undefined }, TIMEOUT_MS, parts));
  const asked: Asked[] = new Array(suspects.length);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < suspects.length; i = next++) {
      progress(`payment ${i + 1} of ${suspects.length} is looked up at the processors`);
      const suspect = suspects[i]!;
      const slot = ledger.slotOf(suspect.sequence);
      const correlationId = formatUuid(ledger.rows.correlationIds, slot * UUID_WORDS);
      const told = await Promise.all(lookups.map((lookup) => lookup && askPatiently(lookup, correlationId)));
      const testimonies = told.map((answer, processor) => testimonyAbout(ledger, slot, processor, answer, lostFromMs));
      const verdict = judgePast(testimonies, false);
      asked[i] = { suspect, correlationId, told, charge: verdict.kind === "charged" ? verdict : undefined };
    }
  };
  try {
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work));
  } finally {
    for (const lookup of lookups) lookup?.close();
  }
  return asked;
}

async function askPatiently(lookup: ChargeLookup, correlationId: string): Promise<Told> {
  let told = await lookup.ask(correlationId);
  for (let tries = 1; tries < TRIES && told.kind === "not told"; tries++) told = await lookup.ask(correlationId);
  return told;
}

function testimonyAbout(
  ledger: Ledger,
  slot: Slot,
  processor: number,
  told: Told | undefined,
  lostFromMs: number,
): Testimony {
  const { rows } = ledger;
  const isBound = rows.state[slot] !== State.PENDING && rows.processor[slot] === processor;
  return testimonyOf(told ?? { kind: "not told" }, {
    cents: rows.cents[slot]!,
    acceptedAtMs: rows.acceptedAtMs[slot]!,
    sentAtMs: isBound ? rows.requestedAtMs(slot) : undefined,
    lostFromMs,
    nowMs: Date.now(),
  });
}

/** By name, from `NAME=URL`. Throws a one-line error. */
export function readProcessorUrls(texts: readonly string[]): Map<string, URL> {
  const urls = new Map<string, URL>();
  for (const text of texts) {
    const [, name = "", address = ""] = /^([^=]*)=(.*)$/.exec(text) ?? [];
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (name === "" || (url?.protocol !== "http:" && url?.protocol !== "https:") || urls.has(name))
      throw new Error(`a processor is named once, at an http or https URL: --processor=${text}`);
    urls.set(name, url);
  }
  return urls;
}

/** By the processors' numbers. Throws where one is named that the journal does not know. */
export function urlsOf(names: readonly string[], byName: ReadonlyMap<string, URL>): (URL | undefined)[] {
  for (const name of byName.keys())
    if (!names.includes(name)) throw new Error(`the journal knows ${names.join(", ")}: --processor=${name}`);
  return names.map((name) => byName.get(name));
}
