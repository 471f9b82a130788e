import { randomFillSync } from "node:crypto";
import { connect, type Socket } from "node:net";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

const PAYMENT_BODY = '{"correlationId":"00000000-0000-4000-8000-000000000000","amount":19.90}';
const REQUEST_HEAD = `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${PAYMENT_BODY.length}\r\n\r\n`;
const ID_AT = REQUEST_HEAD.length + PAYMENT_BODY.indexOf("00000000-");
const TEMPLATE = Buffer.from(REQUEST_HEAD + PAYMENT_BODY);
/** Offsets of digits that are drawn anew for every payment: all but the version and the variant. */
const DIGIT_PLACES = [...Array(36).keys()].filter((i) => ![8, 13, 14, 18, 19, 23].includes(i));
const ACCEPTED_HEAD = Buffer.from("HTTP/1.1 202");

export type LoadResult = { count: number; failedCount: number; latencyUs: RecordableHistogram };

/**
 * Posts payments with random ids over `connectionCount` connections for `durationMs`, each connection sending the next payment as
 * soon as the last is answered. Closed loop: it measures cost, not latency under a given load.
 */
export async function closedLoop(port: number, connectionCount: number, durationMs: number): Promise<LoadResult> {
  const result = { count: 0, failedCount: 0, latencyUs: createHistogram() };
  const endMs = performance.now() + durationMs;
  await Promise.all(Array.from({ length: connectionCount }, () => oneConnection(port, endMs, result)));
  return result;
}

function oneConnection(port: number, endMs: number, result: LoadResult): Promise<void> {
  const request = Buffer.from(TEMPLATE);
  const random = Buffer.alloc(DIGIT_PLACES.length * 64);
  let used = random.length;
  let sentAtMs = 0;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const send = (): void => {
      if (used === random.length) {
        randomFillSync(random);
        used = 0;
      }
      for (const digit of DIGIT_PLACES) request[ID_AT + digit] = hexDigit(random[used++]! & 15);
      sentAtMs = performance.now();
      socket.write(request);
    };
    socket.on("connect", send);
    socket.on("data", (chunk: Buffer) => {
      const nowMs = performance.now();
      result.latencyUs.record(Math.max(1, Math.round((nowMs - sentAtMs) * 1000)));
      result.count++;
      if (chunk.compare(ACCEPTED_HEAD, 0, ACCEPTED_HEAD.length, 0, ACCEPTED_HEAD.length) !== 0) result.failedCount++;
      if (nowMs < endMs) send();
      else closeThen(socket, resolve);
    });
    socket.on("error", reject);
  });
}

function closeThen(socket: Socket, then: () => void): void {
  socket.destroy();
  then();
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
