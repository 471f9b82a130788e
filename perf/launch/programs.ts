import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A service user's PATH often lacks the sbin folders. */
const SBIN_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin"];

/** The first executable file of that name; undefined where there is none. */
export function findProgram(name: string, pathVariable = process.env["PATH"] ?? ""): string | undefined {
  return [...pathVariable.split(delimiter), ...SBIN_FOLDERS]
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
