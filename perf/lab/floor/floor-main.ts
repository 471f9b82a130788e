import { fileURLToPath } from "node:url";

/** The floor's program, in place of an instance's: `commands: { instance: [process.execPath, ...instanceNodeFlags, floorMain] }`. */
export const FLOOR_MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
