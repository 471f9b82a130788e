// undici has types for the package as a whole only.
declare module "undici/lib/dispatcher/pool.js" {
  import { Pool } from "undici";
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default Pool;
}
declare module "undici/lib/dispatcher/dispatcher.js" {
  import { Dispatcher } from "undici";
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default Dispatcher;
}
declare module "undici/lib/api/index.js" {
  import type { Dispatcher } from "undici";

  const api: Pick<Dispatcher, "request">;
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default api;
}
declare module "undici/lib/dispatcher/client.js" {
  import { Client } from "undici";
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default Client;
}
declare module "undici/lib/core/connect.js" {
  import { buildConnector } from "undici";
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default buildConnector;
}
