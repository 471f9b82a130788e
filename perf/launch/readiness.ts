import { type RequestOptions, request } from "node:http";
import { connect } from "node:net";

/** One answer may take this long before the probe gives it up and asks again. */
const PROBE_TIMEOUT_MS = 1000;

export function acceptsTcp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (isReady: boolean): void => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => finish(false));
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}

/** Whether it answers GET /health with anything at all, in time. */
export function answersAtAll(where: RequestOptions, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ ...where, path: "/health", agent: false, signal }, (response) => {
      response.resume();
      resolve(true);
    });
    // Of the whole question: a socket's own timeout does not begin before it is connected.
    const timer = setTimeout(() => probe.destroy(), PROBE_TIMEOUT_MS);
    probe.once("error", () => resolve(false));
    probe.once("close", () => {
      clearTimeout(timer);
      resolve(false);
    });
    probe.end();
  });
}

/** Where to ask: host and port, or socketPath. */
export function answersHealth(where: RequestOptions): Promise<boolean> {
  return new Promise((resolve) => {
    // No agent: a kept-alive probe connection would outlive its purpose, and hold up a graceful shutdown.
    const probe = request({ ...where, path: "/health", agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      response.once("error", () => resolve(false));
      response.once("end", () => resolve(response.statusCode === 200));
    });
    probe.once("timeout", () => probe.destroy());
    probe.once("error", () => resolve(false));
    probe.once("close", () => resolve(false));
    probe.end();
  });
}
