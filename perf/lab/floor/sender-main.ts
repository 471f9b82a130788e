/**
 * The fairer floor's sender: `node build/perf/lab/floor/sender-main.js PROCESSOR_URL SOURCE…`. See sender.ts.
 */
import { Sender } from "./sender.ts";

const [processor, ...sources] = process.argv.slice(2);
if (processor === undefined || sources.length === 0) {
  throw new Error(`a processor and a source must be named: count=${process.argv.length - 2}`);
}
const sender = new Sender(new URL(processor), sources);
process.once("SIGTERM", () => void sender.close());
