import { fileURLToPath } from "node:url";

/** The floor's program, in place of an instance's: `commands: { instance: [process.execPath, ...instanceNodeFlags, floorMain] }`. */
export const floorMain = fileURLToPath(new URL("./main.js", import.meta.url));
