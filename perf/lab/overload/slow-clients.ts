import { connect, type Socket } from "node:net";
import { paymentBody } from "../load/payment-request.ts";
import { requestText } from "../load/timed-caller.ts";

/** Between two bytes of a client that sends; the balancer waits for 30 s. */
const BYTE_EVERY_MS = 5000;
/** A client that was turned away comes back. */
const AGAIN_MS = 1000;
/** So many connect at once. */
const OPENED_AT_ONCE = 100;
const OPEN_EVERY_MS = 20;

/** What a client sends at once, and what of it comes byte by byte. */
type Manner = { readonly atOnce: string; readonly slowly: string };

/**
 * Clients that hold a connection and hardly use it: a third says nothing, a third sends the head of a request byte by
 * byte, and a third has sent its head and sends its body byte by byte.
 */
export class SlowClients {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(target: URL) {
    this.#target = target;
  }

  /** Connected just now. */
  get connectedCount(): number {
    return [...this.#sockets].filter((socket) => !socket.connecting).length;
  }

  /** Resolves when all have begun to connect. */
  async open(count: number): Promise<void> {
    const body = paymentBody();
    const request = requestText(this.#target, { method: "POST", path: "/payments", body });
    const head = request.slice(0, -body.length);
    const manners: readonly Manner[] = [
      { atOnce: "", slowly: "" },
      { atOnce: "POST /payments HTTP/1.1\r\n", slowly: head.slice(head.indexOf("\n") + 1) },
      { atOnce: head, slowly: body },
    ];
    for (let i = 0; i < count && !this.#isClosed; i++) {
      this.#begin(manners[i % manners.length]!);
      if (i % OPENED_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve, OPEN_EVERY_MS));
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #begin(manner: Manner): void {
    if (this.#isClosed) return;
    const host = this.#target.hostname.replace(/^\[|\]$/g, "");
    const socket = connect({ host, port: Number(this.#target.port || 80) });
    this.#sockets.add(socket);
    let ticking: NodeJS.Timeout | undefined;
    socket.once("connect", () => {
      socket.write(manner.atOnce);
      let at = 0;
      ticking = setInterval(() => at < manner.slowly.length && socket.write(manner.slowly[at++]!), BYTE_EVERY_MS);
      this.#timers.add(ticking);
    });
    socket.on("error", () => {});
    socket.resume();
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (ticking !== undefined) {
        clearInterval(ticking);
        this.#timers.delete(ticking);
      }
      this.#after(AGAIN_MS, () => this.#begin(manner));
    });
  }

  #after(ms: number, act: () => void): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}
