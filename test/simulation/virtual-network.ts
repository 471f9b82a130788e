import * as FlightState from "../../core/routing/flight-state.ts";
import { PROCESSORS_MAX } from "../../core/values/processor.ts";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import type { Network, Wire, WireEvents } from "../../server/system/network.ts";
import { processorAt } from "../support/targets.ts";
import { namesOf } from "../support/terms.ts";
import { healthAnswer, lookupAnswer, postAnswer } from "./answer-text.ts";
import type { Weather } from "./incident.ts";
import type { Process } from "./process.ts";
import { expectThat } from "./violation.ts";
import type { Charge, VirtualProcessor } from "./virtual-processor.ts";
import { VirtualWire } from "./virtual-wire.ts";
import type { World } from "./world.ts";

/** A payment's number is the end of its correlationId, so whoever sees the id knows the payment. */
export const PAYMENT_MASK = 0xffffff;

const FIRST_PORT = 8001;
const REQUEST_LINE = /^(GET|POST) \/payments(?:\/([^ ]+))? HTTP\/1\.1\r\n/;

/** As many as there can be; a run has the first of them. */
export const PROCESSORS = namesOf(PROCESSORS_MAX).map((name, p) =>
  processorAt(`http://${name}:${FIRST_PORT + p}`, { name }),
);

/** The ways to the processors and back. */
export class VirtualNetwork {
  /** By processor; undefined in good weather. */
  readonly weather: (Weather | undefined)[] = [];
  readonly #world: World;
  readonly #processors: readonly VirtualProcessor[];

  constructor(world: World, processors: readonly VirtualProcessor[]) {
    this.#world = world;
    this.#processors = processors;
  }

  /** Whether nothing that was sent can still have an effect. */
  get isQuiet(): boolean {
    return this.#world.underWayCount === 0 && this.#processors.every(({ landingCount }) => landingCount === 0);
  }

  /** As one process sees it; `onSent` hears of each request that leaves. */
  of(process: Process, onSent: () => void): Network {
    return {
      connect: (_host: string, port: number, events: WireEvents): Wire => {
        const processor = port - FIRST_PORT;
        return new VirtualWire({
          process,
          events,
          weather: () => this.weather[processor],
          arrive: (request, answer) => this.#arrived(process.instance, processor, request, answer),
          onSent,
        });
      },
    };
  }

  #arrived(instance: number, processor: number, request: string, answer: (text: string) => void): void {
    const match = REQUEST_LINE.exec(request);
    expectThat(match !== null, "requests are HTTP", () => request);
    const [, method, path] = match!;
    const target = this.#processors[processor]!;
    const { random } = this.#world;
    if (path === "service-health") {
      target.pollHealth((health) => answer(healthAnswer(random, health)));
      return;
    }
    if (method === "POST") {
      const charge = chargeOf(request);
      this.#note(instance, FlightState.POSTING, charge.payment, processor);
      target.post(charge, (what) => answer(postAnswer(random, what)));
    } else {
      const payment = paymentOf(path!);
      this.#note(instance, FlightState.LOOKING_UP, payment, processor);
      const isVague = this.#world.happens(target.vagueChance);
      target.lookup(payment, (found) => answer(lookupAnswer(random, path!, found, isVague)));
    }
  }

  #note(instance: number, how: number, payment: number, processor: number): void {
    const what = how === FlightState.LOOKING_UP ? "is asked about" : "is to charge";
    this.#world.note(() => `${PROCESSORS[processor]!.name} ${what} payment ${payment} by instance ${instance}`);
  }
}

/** What a POST asks for. */
function chargeOf(request: string): Charge {
  const body = request.slice(request.indexOf("\r\n\r\n") + 4);
  const { correlationId, amount, requestedAt } = JSON.parse(body) as Record<string, never>;
  const requestedAtMs = Date.parse(requestedAt!);
  const isWhole = Number.isFinite(requestedAtMs) && typeof amount === "number";
  expectThat(isWhole, "a payment is sent with all that belongs to it", () => body);
  return { payment: paymentOf(correlationId!), cents: Math.round(amount! * 100), requestedAtMs, isForeign: false };
}

function paymentOf(correlationId: string): number {
  const words = new Int32Array(UUID_WORDS);
  expectThat(parseUuidText(correlationId, words), "a payment is sent under its correlationId", () => correlationId);
  return words[3]! & PAYMENT_MASK;
}
