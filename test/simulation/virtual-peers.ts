import { acceptCarried } from "../../server/api/link-api.ts";
import { lookInto } from "../../server/api/link-lookup.ts";
import type { PeerAsking } from "../../server/api/whole-service.ts";
import type { Answer } from "../../server/http/answer.ts";
import { forwardedOf, isUnknownPayment, type PeerAnswer, paymentOf } from "../../server/link/peer-answers.ts";
import type { Forwarded, ForwardOptions } from "../../server/link/peers.ts";
import { partsOf } from "../../server/partition/carried-partitions.ts";
import type { SummaryPart, Window } from "../../server/payments/summary.ts";
import type { Ask, LinkCalls } from "./link-calls.ts";
import type { Oracle } from "./oracle.ts";
import type { Process } from "./process.ts";
import { VirtualAsker } from "./virtual-asker.ts";

const ARRIVES_WITHIN_MS = 10;

export type VirtualPeersParts = { process: Process; calls: LinkCalls; oracle: Oracle };

/** What a process asks of the others: Peers without its connections. */
export class VirtualPeers implements PeerAsking {
  readonly #parts: VirtualPeersParts;

  constructor(parts: VirtualPeersParts) {
    this.#parts = parts;
  }

  async forward(instance: number, bytes: Uint8Array, { timeoutMs }: ForwardOptions = {}): Promise<Forwarded> {
    const answer = await this.#call<Answer>(instance, timeoutMs, ({ process, carried, body }, tell) => {
      acceptCarried(carried, body, new VirtualAsker(process, tell), bytes);
      return undefined;
    });
    return typeof answer === "string" ? answer : forwardedOf(asHeard(answer));
  }

  async summaryParts(
    query: string,
    instances: readonly number[] = [],
    timeoutMs?: number,
  ): Promise<Map<number, readonly SummaryPart[] | undefined>> {
    const window = windowOf(query);
    const answers = instances.map(async (instance) => {
      const parts = await this.#call<readonly SummaryPart[] | "unsafe">(instance, timeoutMs, ({ carried }, tell) => {
        return partsOf(carried, window).then(tell);
      });
      return [instance, typeof parts === "string" ? undefined : parts] as const;
    });
    return new Map(await Promise.all(answers));
  }

  async purge(instance: number, partition: number): Promise<boolean> {
    const { process, calls, oracle } = this.#parts;
    let ended = (): void => {};
    // On its way.
    process.world.clock.after(ARRIVES_WITHIN_MS + calls.lateMsMax, oracle.purgeGoesOn(process));
    const { linkTimeoutMs } = process.world.settings;
    const answer = await calls.call<boolean>(
      process,
      instance,
      linkTimeoutMs,
      ({ carried }, tell) => {
        const end = (isPurged: boolean): void => {
          ended();
          tell(isPurged);
        };
        const service = carried.at(partition);
        if (service !== undefined) return service.purge().then(end);
        end(false);
        return undefined;
      },
      (listener) => {
        ended = oracle.purgeGoesOn(listener.process);
      },
    );
    return answer === true;
  }

  async find(
    instance: number,
    partition: number,
    text: string,
    timeoutMs?: number,
  ): Promise<{ json: string } | "unknown" | "unreachable"> {
    const answer = await this.#call<Answer>(instance, timeoutMs, ({ carried }, tell) => {
      return lookInto(carried, partition, text).then(tell);
    });
    return typeof answer === "string" ? "unreachable" : foundIn(asHeard(answer));
  }

  #call<T>(instance: number, timeoutMs: number | undefined, ask: Ask<T>) {
    const { process, calls } = this.#parts;
    const { linkTimeoutMs } = process.world.settings;
    return calls.call<T>(process, instance, Math.min(timeoutMs ?? linkTimeoutMs, linkTimeoutMs), ask);
  }
}

function foundIn(answer: PeerAnswer): { json: string } | "unknown" | "unreachable" {
  const json = paymentOf(answer);
  if (json !== undefined) return { json };
  return isUnknownPayment(answer) ? "unknown" : "unreachable";
}

function asHeard({ status, body = "", isProblem, headers }: Answer) {
  const location = headers?.find(([name]) => name === "Location")?.[1];
  return { status, body, location, contentType: isProblem ? "application/problem+json" : "application/json" };
}

/** See linkQuery. */
function windowOf(query: string): Window {
  const ends = new URLSearchParams(query);
  const end = (name: string, open: number): number => (ends.has(name) ? Number(ends.get(name)) : open);
  return { fromMs: end("from", Number.NEGATIVE_INFINITY), toMs: end("to", Number.POSITIVE_INFINITY) };
}
