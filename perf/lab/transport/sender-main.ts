import { type SenderOrder, sendPayments } from "./ways.ts";

/** A process of its own for one way in one round: `node build/perf/lab/transport/sender-main.js SENDER_ORDER`. */
const order = JSON.parse(process.argv[2]!) as SenderOrder;

// Connections, sessions and code are warm when it counts.
await sendPayments(order, Math.ceil(order.requests / 4));
const beganAt = process.cpuUsage();
await sendPayments(order, order.requests);
const { user, system } = process.cpuUsage(beganAt);
process.stdout.write(`${(user + system) / order.requests}\n`);
