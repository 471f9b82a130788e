// For k6 (1.0 or newer): the load of the two contest scripts, against a service and two processors that run already.
//
//   k6 run -e SHAPE=preview perf/k6/contest.js
//   k6 run -e SHAPE=final -e URL=http://localhost:9999 perf/k6/contest.js
//
// DEFAULT and FALLBACK are the processors' addresses as k6 reaches them, TOKEN is their admin token. Users post one
// payment a second each, as many as there are by then; meanwhile the processors are made slow or failing, and every ten
// seconds the service's summary is held against the processors' own.

import { sleep } from "k6";
import exec from "k6/execution";
import http from "k6/http";
import { Counter } from "k6/metrics";

/** What the processors do, by second: delays in ms, and who fails. */
const SHAPES = {
  preview: {
    durationS: 60,
    usersMax: 550,
    amount: 19.9,
    windowEndMs: 1500,
    stages: [
      { atS: 0, default: [0, false], fallback: [0, false] },
      { atS: 10, default: [100, false], fallback: [0, false] },
      { atS: 20, default: [100, true], fallback: [0, false] },
      { atS: 30, default: [2000, true], fallback: [1000, true] },
      { atS: 40, default: [20, false], fallback: [20, false] },
      { atS: 50, default: [0, false], fallback: [5000, false] },
    ],
  },
  final: {
    durationS: 300,
    usersMax: 603,
    amount: 20.05,
    windowEndMs: 2000,
    stages: [
      { atS: 0, default: [0, false], fallback: [0, false] },
      { atS: 30, default: [1000, false], fallback: [0, false] },
      { atS: 60, default: [500, false], fallback: [0, false] },
      { atS: 90, default: [2000, true], fallback: [1000, false] },
      { atS: 120, default: [5000, true], fallback: [5, false] },
      { atS: 150, default: [0, false], fallback: [5, true] },
      { atS: 180, default: [100, false], fallback: [5, false] },
      { atS: 210, default: [50, false], fallback: [0, false] },
      { atS: 240, default: [103, false], fallback: [10, false] },
      { atS: 270, default: [2000, false], fallback: [0, false] },
    ],
  },
};

const { SHAPE = "preview", URL = "http://localhost:9999", TOKEN = "123" } = __ENV;
const PROCESSORS = {
  default: __ENV.DEFAULT ?? "http://localhost:8001",
  fallback: __ENV.FALLBACK ?? "http://localhost:8002",
};
const shape = SHAPES[SHAPE];
if (shape === undefined) throw new Error(`SHAPE must be preview or final: SHAPE=${SHAPE}`);

const AUDIT_EVERY_S = 10;
const WINDOW_BEGINS_MS = 15_000;
const { durationS, usersMax } = shape;

const differences = new Counter("audit_differences");
const refused = new Counter("payments_refused");

export const options = {
  summaryTrendStats: ["p(50)", "p(99)", "max", "count"],
  thresholds: { audit_differences: ["count==0"] },
  scenarios: {
    payments: {
      executor: "ramping-vus",
      exec: "pay",
      startVUs: 1,
      gracefulRampDown: "0s",
      stages: [{ target: usersMax, duration: `${durationS}s` }],
    },
    ...Object.fromEntries(shape.stages.map((stage) => [`stage_${stage.atS}`, once("configure", stage.atS)])),
    audits: {
      executor: "constant-arrival-rate",
      exec: "audit",
      duration: `${durationS - AUDIT_EVERY_S}s`,
      startTime: `${AUDIT_EVERY_S}s`,
      rate: 1,
      timeUnit: `${AUDIT_EVERY_S}s`,
      preAllocatedVUs: 1,
    },
  },
};

function once(name, startS) {
  return { executor: "per-vu-iterations", exec: name, vus: 1, iterations: 1, startTime: `${startS}s` };
}

/** A new payment, with an id that nobody has used. */
export function pay() {
  const payment = JSON.stringify({ correlationId: crypto.randomUUID(), amount: shape.amount });
  const params = { headers: { "Content-Type": "application/json" }, timeout: "1500ms" };
  const { status } = http.post(`${URL}/payments`, payment, params);
  if (status < 200 || status > 299) refused.add(1, { status: String(status) });
  sleep(1);
}

/** The processors as they are to be from this stage on. */
export function configure() {
  const name = exec.scenario.name;
  const stage = shape.stages.find(({ atS }) => `stage_${atS}` === name);
  for (const processor of Object.keys(PROCESSORS)) {
    const [delay, failure] = stage[processor];
    put(processor, "delay", { delay });
    put(processor, "failure", { failure });
  }
}

function put(processor, what, value) {
  const headers = { "Content-Type": "application/json", "X-Rinha-Token": TOKEN };
  http.put(`${PROCESSORS[processor]}/admin/configurations/${what}`, JSON.stringify(value), { headers });
}

/** What the service says of a window, and what the processors say of it: asked at the same moment. */
export function audit() {
  const nowMs = Date.now();
  const [from, to] = [WINDOW_BEGINS_MS, shape.windowEndMs].map((agoMs) => new Date(nowMs - agoMs).toISOString());
  const window = `from=${from}&to=${to}`;
  const params = { headers: { "X-Rinha-Token": TOKEN } };
  const [ours, ...theirs] = http.batch([
    ["GET", `${URL}/payments-summary?${window}`],
    ...Object.values(PROCESSORS).map((url) => ["GET", `${url}/admin/payments-summary?${window}`, null, params]),
  ]);
  Object.keys(PROCESSORS).forEach((name, i) => {
    const told = ours.json(`${name}.totalRequests`);
    const charged = theirs[i].json("totalRequests");
    if (told === charged) return;
    differences.add(Math.abs(told - charged) || 1);
    console.warn(`audit differs: processor=${name} service=${told} charged=${charged} from=${from} to=${to}`);
  });
}
