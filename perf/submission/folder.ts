import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/**
 * Makes a folder with these files, all of them or none. Throws a one-line error where something is there already, and
 * changes nothing then.
 */
export function writeFolder(folder: string, files: ReadonlyMap<string, string>): void {
  const path = resolve(folder);
  requireFree(folder);
  mkdirSync(dirname(path), { recursive: true });
  const draft = mkdtempSync(join(dirname(path), `.${basename(path)}-`));
  try {
    chmodSync(draft, 0o755);
    for (const [name, text] of files) writeFileSync(join(draft, name), text);
    // Over an empty folder too, and never over one that has got a file meanwhile.
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

function requireFree(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new Error(`out must be a folder: out=${folder}`);
  const [first] = readdirSync(folder);
  if (first !== undefined) {
    throw new Error(`out must be empty, or not be there: out=${folder} found=${first} (name another folder)`);
  }
}
