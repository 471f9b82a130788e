// prom-client has types for the package as a whole only.
declare module "prom-client/lib/registry.js" {
  import { Registry } from "prom-client";
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default Registry;
}
declare module "prom-client/lib/metric.js" {
  import type { Registry } from "prom-client";

  export interface MetricConfiguration {
    name: string;
    help: string;
    labelNames: readonly string[];
    registers: readonly Registry[];
  }
  /** Checks names and labels, and registers itself. What the registry then asks of it is `get`. */
  export abstract class Metric {
    readonly name: string;
    readonly help: string;
    constructor(configuration: MetricConfiguration);
  }
}
