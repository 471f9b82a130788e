/** undici's Pool by its own file: loading the whole package costs 9 MB of the memory limit, most of it for fetch and WebSocket. */
declare module "undici/lib/dispatcher/pool.js" {
  import { Pool } from "undici";
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is its default export
  export default Pool;
}
