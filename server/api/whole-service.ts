import { partitionOfPaymentId } from "../../core/values/payment-id.ts";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import type { Asker } from "../http/exchange.ts";
import type { Peers } from "../link/peers.ts";
import { type CarriedPartitions, carriedBy, partsOf } from "../partition/carried-partitions.ts";
import type { Custody } from "../partition/custody.ts";
import type { PartitionMap } from "../partition/partition-map.ts";
import { type NoWord, type Reach, UNREACHED_DETAILS } from "../partition/reach.ts";
import { everyPlace, wholeOf } from "../partition/whole.ts";
import type { PaymentBody } from "../payments/payment-body.ts";
import { combineParts, type Window } from "../payments/summary.ts";
import type { Time } from "../system/time.ts";
import { problem } from "../text/problem.ts";
import { linkQuery } from "./link-api.ts";
import { lookAt } from "./link-lookup.ts";
import { acceptPayment, refusePayment, UNSAFE } from "./payment-ack.ts";

/** What is told where the carrier refuses a payment, but has not answered when it was asked before. */
const UNANSWERED_DETAIL = "the instance that carries this payment's partition has not answered at first";

/** What the other instances are asked. */
export type PeerAsking = Pick<Peers, "forward" | "find" | "summaryParts" | "purge">;

export type WholeServiceParts = {
  custody: Custody;
  reach: Reach;
  partitions: PartitionMap;
  peers: PeerAsking;
  body: PaymentBody;
  time: Time;
};

/** What is known of a payment at one place. */
type Found = { json: string } | "unknown" | "unsafe";

/** The service as one, whichever instance carries what: asks here, there, or waits while a partition changes hands. */
export class WholeService {
  readonly #parts: WholeServiceParts;
  readonly #carried: CarriedPartitions;

  constructor(parts: WholeServiceParts) {
    this.#parts = parts;
    this.#carried = carriedBy(parts.custody, parts.partitions);
  }

  /**
   * A payment of a partition that is not carried here; false if no carrier could be asked. `headers`: what carries the
   * request's trace on.
   */
  async accept(exchange: Asker, partition: number, bytes: Uint8Array, headers?: readonly string[]): Promise<boolean> {
    const { peers, body, reach } = this.#parts;
    let wasUnanswered = false;
    const word = await reach.bring<Answer | "answered">(partition, {
      here: (own) => {
        body.parse(bytes);
        acceptPayment(own.service, exchange);
        return "answered";
      },
      there: async (instance, timeoutMs) => {
        const answer = await peers.forward(instance, bytes, { headers, timeoutMs });
        wasUnanswered ||= answer === "unanswered";
        return answer === "elsewhere" ? "unsent" : answer;
      },
    });
    if (word.kind === "unreached") {
      const name = word.why === "ending" ? "shutting-down" : "partition-unreachable";
      refusePayment(exchange, name, UNREACHED_DETAILS[word.why], word.wasSent ? "unknown" : "no");
      return false;
    }
    if (word.result === "answered") return true;
    // An earlier try may arrive there yet, and be accepted.
    if (word.result.status === 503 && wasUnanswered)
      refusePayment(exchange, "partition-unreachable", UNANSWERED_DETAIL, "unknown");
    else exchange.answer(word.result);
    return true;
  }

  /** The payment with this correlationId, whose partition follows from it, or payment id, which carries its own. */
  async find(id: Int32Array, text: string): Promise<Answer | "unknown"> {
    const { partitions } = this.#parts;
    const candidates = [partitions.of(id), partitionOfPaymentId(id)].filter((p) => p < partitions.count);
    const found = await Promise.all([...new Set(candidates)].map((partition) => this.#findAt(partition, id, text)));
    const known = found.find((word) => typeof word === "object");
    if (known !== undefined) return jsonAnswer(known.json);
    if (found.includes("unsafe")) return problemAnswer(UNSAFE);
    if (found.every((word) => word === "unknown")) return "unknown";
    return problemAnswer(problem("partition-unreachable", "the instance that may know this payment cannot be reached"));
  }

  async summary(window: Window): Promise<Answer> {
    const { custody, peers, time } = this.#parts;
    const query = linkQuery(window);
    const parts = await wholeOf(custody, time, async (timeoutMs) => {
      const others = peers.summaryParts(query, custody.carriers.instances(), timeoutMs);
      const own = await partsOf(this.#carried, window);
      if (own === "unsafe") return own;
      return [...own, ...[...(await others).values()].flatMap((ofOne) => ofOne ?? [])];
    });
    if (parts === "unsafe") return problemAnswer(UNSAFE);
    if (parts === undefined)
      return problemAnswer(problem("partition-unreachable", "a partition's part of the summary cannot be had"));
    const { body, settledUntil } = combineParts(parts);
    return jsonAnswer(body, [["Settled-Until", settledUntil]]);
  }

  /**
   * Empties every partition; false if one may not have been. Begins when all are carried, and asks each once: a second
   * time would forget what was accepted since.
   */
  async purge(): Promise<boolean> {
    const { custody, peers, time } = this.#parts;
    const places = await everyPlace(custody, time);
    if (places === undefined) return false;
    const arePurged = await Promise.all(
      places.map((place, partition) =>
        "instance" in place ? peers.purge(place.instance, partition) : place.service.purge(),
      ),
    );
    return arePurged.every((isPurged) => isPurged);
  }

  async #findAt(partition: number, id: Int32Array, text: string): Promise<Found | "unreached"> {
    const { peers, reach } = this.#parts;
    const word = await reach.bring<Found>(partition, {
      here: async (own): Promise<Found> => {
        const known = await lookAt(own.service, id);
        if (known === "unsafe") return known;
        return known === undefined ? "unknown" : { json: known };
      },
      there: async (instance, timeoutMs): Promise<Found | NoWord> => {
        const found = await peers.find(instance, partition, text, timeoutMs);
        return found === "unreachable" ? "unsent" : found;
      },
    });
    return word.kind === "done" ? word.result : "unreached";
  }
}
