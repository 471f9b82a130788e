import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** sockaddr_un has 108 bytes for the path and its final NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

/** A fresh folder for the sockets and files of one topology. */
export function createRunDirectory(socketNames: readonly string[], parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "rinha-"));
  try {
    for (const name of socketNames) requireShortPath(join(folder, name));
    // mkdtemp keeps others out, but nginx's worker may be another user and has to get through to the sockets.
    chmodSync(folder, 0o755);
  } catch (error) {
    removeRunDirectory(folder);
    throw error;
  }
  return folder;
}

export function removeRunDirectory(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function requireShortPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_BYTES_MAX) return;
  const facts = `bytes=${bytes} path=${path} (set TMPDIR to a shorter folder)`;
  throw new Error(`unix socket path must fit ${SOCKET_PATH_BYTES_MAX} bytes: ${facts}`);
}
