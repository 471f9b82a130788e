import uws, { type HttpResponse, type TemplatedApp, type us_listen_socket } from "uWebSockets.js";
import { createServer } from "node:net";
import { readFee } from "../../server/telemetry/fee.ts";
import { addAdminRoutes } from "./admin-routes.ts";
import { ArrivalLog } from "./arrival-log.ts";
import { Charges } from "./charges.ts";
import { monotonicClock } from "./clock.ts";
import { ConcurrencyLimiter } from "./concurrency-limiter.ts";
import { HealthRoute } from "./health-route.ts";
import { HealthWindow } from "./health-window.ts";
import { answerEmpty } from "./http.ts";
import { PaymentsRoute, type QueuedHangUp } from "./payments-route.ts";
import type { Settings } from "./settings.ts";

export interface ProcessorOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Share of every amount, from 0 to 1 with at most 12 decimals. */
  readonly fee: number;
  readonly token: string;
  readonly healthWindowMs: number;
  readonly inFlightCountMax: number;
  readonly queuedCountMax: number;
  readonly queuedHangUp: QueuedHangUp;
}

export const defaultOptions: ProcessorOptions = {
  host: "127.0.0.1",
  port: 0,
  fee: 0.05,
  token: "123",
  healthWindowMs: 5000,
  inFlightCountMax: 800,
  queuedCountMax: 500,
  queuedHangUp: "charge",
};

const heldHealthCallsMax = 2;
const rememberedHealthCalls = 1000;

/** A processor running in this process. What a tool would ask over HTTP can be had, and set, directly. */
export interface RunningProcessor {
  readonly port: number;
  readonly url: string;
  readonly settings: Settings;
  readonly charges: Charges;
  readonly healthArrivals: ArrivalLog;
  readonly limiter: Pick<ConcurrencyLimiter, "inFlightCount" | "queuedCount">;
  /** Drops every connection; payments still sleeping are never charged. */
  close(): void;
}

/** Rejects with a one-line `rule: name=value` error when an option is wrong or the port cannot be had. */
export async function startProcessor(options: Partial<ProcessorOptions> = {}): Promise<RunningProcessor> {
  const chosen = { ...defaultOptions, ...options };
  const fee = readFee(String(chosen.fee));
  if (fee === undefined) throw new Error(`fee must be a decimal from 0 to 1: fee=${chosen.fee}`);
  const settings: Settings = { delayMs: 0, failing: false, token: chosen.token };
  const charges = new Charges();
  const healthArrivals = new ArrivalLog(rememberedHealthCalls);
  const limiter = new ConcurrencyLimiter(chosen);
  const retryAfterSeconds = Math.ceil(chosen.healthWindowMs / 1000);
  const shared = { charges, settings, clock: monotonicClock, retryAfterSeconds };
  const payments = new PaymentsRoute({ ...shared, limiter, queuedHangUp: chosen.queuedHangUp });
  const window = new HealthWindow<HttpResponse>({ windowMs: chosen.healthWindowMs, heldCountMax: heldHealthCallsMax });
  const health = new HealthRoute({ ...shared, arrivals: healthArrivals, window });

  const app = uws.App();
  app.post("/payments", (res, req) => payments.post(res, req));
  app.get("/payments/service-health", (res) => health.get(res));
  app.get("/payments/:correlationId", (res, req) => payments.get(res, req));
  addAdminRoutes(app, { charges, healthArrivals, settings, fee });
  app.any("/*", (res) => answerEmpty(res, 404));

  const port = listenExclusively(app, chosen.host, chosen.port);
  if (port === undefined) throw new Error(await reasonNotListening(chosen.host, chosen.port));
  return {
    port,
    url: `http://${chosen.host}:${port}`,
    settings,
    charges,
    healthArrivals,
    limiter,
    close() {
      // Closing the connections may still let queued payments start, so their timers go last.
      app.close();
      payments.close();
      health.close();
    },
  };
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: without it, two processors on one port would share its connections without a word. */
const exclusivePort = 1;

/** uWebSockets.js takes host, port and options together, but its declarations do not say so. */
interface ExclusiveListener {
  listen(host: string, port: number, options: number, onListening: (socket: us_listen_socket | false) => void): void;
}

function listenExclusively(app: TemplatedApp, host: string, port: number): number | undefined {
  let boundPort: number | undefined;
  // Called before `listen` returns.
  (app as unknown as ExclusiveListener).listen(host, port, exclusivePort, (socket) => {
    if (socket !== false) boundPort = uws.us_socket_local_port(socket);
  });
  return boundPort;
}

/** uWebSockets.js only says that it did not work; asking the system the same again tells why. */
function reasonNotListening(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(`port already in use: port=${port}`);
      else if (error.code === "EACCES") resolve(`port not permitted: port=${port}`);
      else resolve(`cannot listen (${error.code ?? error.message}): host=${host} port=${port}`);
    });
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close(() => resolve(`port already in use: port=${port}`));
    });
  });
}
