import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Into which store the journals were moved, or are being moved. */
export type Imported = {
  /** Names the import, here and in the store. */
  id: string;
  /** Where the store is, without who one is there. */
  store: string;
};

const FILE = "imported.json";

export function importedMarkPath(dataDir: string): string {
  return join(dataDir, FILE);
}

/** Throws where the mark is there and cannot be read. */
export function readImportedMark(dataDir: string): Imported | undefined {
  const path = importedMarkPath(dataDir);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { id, store } = JSON.parse(text) as Imported;
    if (typeof id === "string" && typeof store === "string") return { id, store };
  } catch {
    // Said below.
  }
  throw new Error(`the mark of imported journals must be readable: file=${path}`);
}

/** From here on no instance of this release starts on the journals. Durable once it returns. */
export function writeImportedMark(dataDir: string, { id, store }: Imported): void {
  const path = importedMarkPath(dataDir);
  const partial = `${path}.partial`;
  // One that a crash has left, or a link that somebody has put there, which would be written through.
  rmSync(partial, { force: true });
  writeFileSync(partial, `${JSON.stringify({ id, store })}\n`, { flag: "wx" });
  sync(partial);
  renameSync(partial, path);
  sync(dataDir);
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
