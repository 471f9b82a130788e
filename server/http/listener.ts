import uws, { type TemplatedApp, type us_listen_socket } from "uWebSockets.js";
import { type Address, formatAddress } from "../system/address.ts";
import { OwnSocket, removeLeftSocket } from "../system/left-socket.ts";
import type { ConnectionBound, NewConnection } from "./connection-bound.ts";

/** LIBUS_LISTEN_EXCLUSIVE_PORT: without it two processes share a port without a word. */
const EXCLUSIVE_PORT = 1;

/** The form of `listen` that takes host, port and option, which uWS's types lack. */
type ExclusiveListening = {
  listen(host: string, port: number, option: number, onListening: (socket: us_listen_socket | false) => void): void;
};

/** A uWS application on one address. */
export class Listener {
  readonly #app: TemplatedApp;
  readonly #ownSocket: OwnSocket | undefined;

  private constructor(app: TemplatedApp, address: Address) {
    this.#app = app;
    this.#ownSocket = address.kind === "unix" ? new OwnSocket(address.path) : undefined;
  }

  /**
   * Listens on `address`, for as many connections as `bound` allows if it is given; rejects when the address cannot be
   * had. A unix socket left there by an earlier life is replaced; a file of any other kind is not.
   */
  static open(address: Address, register: (app: TemplatedApp) => void, bound?: ConnectionBound): Promise<Listener> {
    // uWebSockets would remove whatever is there.
    if (address.kind === "unix" && !removeLeftSocket(address.path)) {
      const rule = "a unix socket's path must be free or a socket's, choose another or remove the file";
      return Promise.reject(new Error(`${rule}: address=${formatAddress(address)}`));
    }
    const app = uws.App();
    if (bound) {
      const noteChange = (connection: NewConnection, change: number): void =>
        change > 0 ? bound.began(connection) : bound.ended();
      app.filter((connection, change) => noteChange(connection, Number(change)));
    }
    register(app);
    return new Promise((resolve, reject) => {
      const onListening = (socket: us_listen_socket | false): void => {
        if (socket) resolve(new Listener(app, address));
        else reject(new Error(`cannot listen: address=${formatAddress(address)}`));
      };
      if (address.kind === "unix") {
        app.listen_unix(onListening, address.path);
      } else {
        (app as unknown as ExclusiveListening).listen(address.host, address.port, EXCLUSIVE_PORT, onListening);
      }
    });
  }

  /** Closes everything at once, and removes the unix socket: whoever connects hears at once that nobody is there. */
  close(): void {
    this.#app.close();
    this.#ownSocket?.remove();
  }
}
