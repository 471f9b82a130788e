import type { Connection, Receiver, WireRequest } from "../../../server/sending/connection.ts";
import { endpointOf } from "../../../server/sending/endpoint.ts";
import { PlainConnection } from "../../../server/sending/plain-connection.ts";
import { TlsConnection, tlsConnector } from "../../../server/sending/tls-connection.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealNetwork } from "../../../server/system/real-network.ts";
import { paymentBody } from "../load/payment-request.ts";

export const WAYS = ["plain sockets", "undici", "undici, TLS"] as const;
export type Way = (typeof WAYS)[number];

export const PROCESSED = '{"message":"payment processed successfully"}';

/** What a process of the measurement does. */
export type SenderOrder = {
  readonly way: Way;
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly connections: number;
  readonly requests: number;
};

/** Opens a connection of a way; `onIdle` is told whenever it may be used again. */
export function openerOf({ way, url, ca }: SenderOrder): (onIdle: () => void) => Connection {
  const endpoint = endpointOf({ url: new URL(url), headers: [], tls: { ca } });
  const network = new RealNetwork(new NameLookup());
  if (way === "plain sockets") return (onIdle) => new PlainConnection(endpoint, network, onIdle);
  // The same connection without TLS, where the URL has none: that tells what is undici's part.
  const connect = tlsConnector(endpoint, network, { ca });
  return (onIdle) => new TlsConnection(endpoint, connect, onIdle);
}

/** Sends payments one after the other over each connection; rejects unless every one is charged. */
export async function sendPayments(order: SenderOrder, requestCount: number): Promise<void> {
  const open = openerOf(order);
  const { pathname } = new URL(order.url);
  let left = requestCount;
  const run = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const receiver: Receiver = {
        answered(status, body) {
          if (status !== 200 || body !== PROCESSED) reject(new Error(`a payment must be charged: status=${status}`));
        },
        failed: (_failure, error) => reject(error),
      };
      const next = (): void => {
        if (left-- > 0) connection.send(payment(pathname), receiver);
        else {
          connection.close();
          resolve();
        }
      };
      const connection = open(next);
      next();
    });
  await Promise.all(Array.from({ length: order.connections }, run));
}

function payment(path: string): WireRequest {
  return { method: "POST", path, headers: [], body: paymentBody() };
}
