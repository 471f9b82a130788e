import type { Wire, WireEvents } from "../../server/system/network.ts";
import { endsConnection, farewell } from "./answer-text.ts";
import type { Weather } from "./incident.ts";
import type { Process } from "./process.ts";

const PIECES_MAX = 4;
const IDLE_MS_MAX = 40;
const CONNECT_TIMEOUT_MS = 5000;
const LATE_MS_MAX = 4000;
/** A poll must reach its processor within the margin that PollRights leaves for that. */
const LATE_POLL_MS_MAX = 1000;
const POLL = "/service-health ";

const GARBAGE = "220 smtp.example.com ESMTP\r\n\r\n";

/** Where a request arrives, and what takes the bytes of its answer. */
export type Arrive = (request: string, answer: (text: string) => void) => void;

export type WireParts = {
  process: Process;
  events: WireEvents;
  /** On the way, now. */
  weather: () => Weather | undefined;
  arrive: Arrive;
  /** A request leaves. */
  onSent: () => void;
};

/**
 * A connection from a process to a processor, both ends of it. What has left goes on its way even if its sender dies;
 * one whole request is out at a time.
 */
export class VirtualWire implements Wire {
  readonly #process: Process;
  readonly #events: WireEvents;
  readonly #weather: () => Weather | undefined;
  readonly #arrive: Arrive;
  readonly #onSent: () => void;
  /** The other end has closed it, which this end may not know yet. */
  #isLeft = false;
  #isClosed = false;
  /** When the last bytes of the other end arrive here. */
  #arrivesAtMs = 0;

  constructor({ process, events, weather, arrive, onSent }: WireParts) {
    this.#process = process;
    this.#events = events;
    this.#weather = weather;
    this.#arrive = arrive;
    this.#onSent = onSent;
    const { world } = process;
    const now = weather();
    if (now && world.happens(now.neverConnects)) this.#failLater(CONNECT_TIMEOUT_MS, "ETIMEDOUT");
    else if (now && world.happens(now.unreachable)) this.#failLater(world.latencyMs(), "ECONNREFUSED");
    else this.#later(world.latencyMs(), () => events.connected());
  }

  send(text: string): void {
    const { world, isOver } = this.#process;
    if (isOver || this.#isClosed) return;
    this.#onSent();
    const weather = this.#weather();
    if (weather && world.happens(weather.resetBefore)) this.#failLater(world.latencyMs(), "ECONNRESET");
    if (weather && world.happens(weather.lostBefore)) return;
    const isLate = weather !== undefined && world.happens(weather.late);
    world.underWayCount++;
    const lateMs = isLate ? world.random.below(text.includes(POLL) ? LATE_POLL_MS_MAX : LATE_MS_MAX) : 0;
    world.clock.after(world.latencyMs() + lateMs, () => this.#arrived(text));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#happensLater(0, () => this.#events.closed(undefined));
  }

  #arrived(text: string): void {
    const { world } = this.#process;
    if (!this.#isLeft) {
      this.#arrive(text, (answer) => this.#answer(answer));
      return;
    }
    world.underWayCount--;
    this.#failLater(world.latencyMs(), "ECONNRESET");
  }

  #answer(text: string): void {
    const { world } = this.#process;
    world.underWayCount--;
    const weather = this.#weather();
    if (weather && world.happens(weather.lostAfter)) return;
    if (weather && world.happens(weather.resetAfter)) {
      this.#failLater(world.latencyMs(), "ECONNRESET");
      return;
    }
    const told = weather && world.happens(weather.garbage) ? GARBAGE : text;
    this.#tellInPieces(told);
    if (endsConnection(told)) this.#leave();
    else if (weather && world.happens(weather.drops)) this.#leaveLater();
  }

  /** A server closes a connection that has been idle, perhaps while the next request is on its way. */
  #leaveLater(): void {
    const { world } = this.#process;
    world.clock.after(world.random.below(IDLE_MS_MAX), () => {
      if (this.#isLeft) return;
      if (world.random.chance(0.5)) this.#tell(farewell());
      this.#leave();
    });
  }

  #leave(): void {
    this.#isLeft = true;
    this.#inOrder(() => this.#events.ended());
  }

  /** Servers like to send the head by itself. */
  #tellInPieces(text: string): void {
    const { random } = this.#process.world;
    let from = 0;
    if (random.chance(0.3)) {
      from = text.lastIndexOf("\r\n\r\n", text.length - 5) + 4;
      this.#tell(text.slice(0, from));
    }
    for (let pieces = random.below(PIECES_MAX); pieces > 0 && from < text.length; pieces--) {
      const to = random.between(from + 1, text.length);
      this.#tell(text.slice(from, to));
      from = to;
    }
    if (from < text.length) this.#tell(text.slice(from));
  }

  #tell(text: string): void {
    this.#inOrder(() => this.#events.received(text));
  }

  #inOrder(happen: () => void): void {
    const { clock } = this.#process.world;
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, clock.nowMs + this.#process.world.latencyMs());
    this.#later(this.#arrivesAtMs - clock.nowMs, happen);
  }

  #failLater(delayMs: number, code: string): void {
    this.#later(delayMs, () => {
      this.#isLeft = true;
      this.#isClosed = true;
      this.#events.closed(Object.assign(new Error(code), { code }));
    });
  }

  #later(delayMs: number, happen: () => void): void {
    this.#happensLater(delayMs, () => {
      if (!this.#isClosed) happen();
    });
  }

  /** Only polls are awaited. */
  #happensLater(delayMs: number, happen: () => void): void {
    this.#process.settleLater(delayMs, happen, this.#process.world.settings.polls);
  }
}
