import { fileURLToPath } from "node:url";

/**
 * The floor's program, in place of an instance's: `commands: { instance: [process.execPath, ...INSTANCE_NODE_FLAGS,
 * FLOOR_MAIN] }`.
 */
export const FLOOR_MAIN = fileURLToPath(new URL("./main.js", import.meta.url));

/** Sends as many payments to a processor as floors accept; see sender-main.ts. */
export const SENDER_MAIN = fileURLToPath(new URL("./sender-main.js", import.meta.url));
