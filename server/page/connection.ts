import type { Message } from "./message.ts";

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 4000;
/** The instance says something every second; after this much silence the connection is taken for dead. */
const SILENCE_MS_MAX = 5000;

export type ConnectionState = "connecting" | "open" | "lost";

/** The WebSocket to whichever instance the balancer picks; comes back by itself, each time a little later. */
export class Connection {
  readonly #onMessage: (message: Message) => void;
  readonly #onState: (state: ConnectionState) => void;
  #socket: WebSocket | undefined;
  #retryMs = RETRY_MS_MIN;
  #retryTimer: number | undefined;
  #silenceTimer: number | undefined;

  constructor(onMessage: (message: Message) => void, onState: (state: ConnectionState) => void) {
    this.#onMessage = onMessage;
    this.#onState = onState;
    // Back from sleep or from a tunnel: no need to wait for the next try.
    window.addEventListener("online", () => this.#retryNow());
    this.#connect();
  }

  #connect(): void {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/live`);
    this.#socket = socket;
    this.#expectWord();
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#expectWord();
      this.#retryMs = RETRY_MS_MIN;
      this.#onState("open");
      this.#onMessage(JSON.parse(event.data) as Message);
    };
    socket.onclose = () => this.#lost(socket);
  }

  #expectWord(): void {
    clearTimeout(this.#silenceTimer);
    const socket = this.#socket!;
    this.#silenceTimer = setTimeout(() => this.#lost(socket), SILENCE_MS_MAX);
  }

  #lost(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    clearTimeout(this.#silenceTimer);
    socket.close();
    this.#onState("lost");
    // Spread out, so that all pages do not come back to a restarted instance at once.
    this.#retryTimer = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random()));
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  #retryNow(): void {
    if (this.#socket !== undefined) return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }
}
