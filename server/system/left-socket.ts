import { lstatSync, statSync, unlinkSync } from "node:fs";

/**
 * Removes the unix socket that an earlier life may have left at `path`. False where something stands there that is no
 * socket, a link included: it stays, and nobody must listen there.
 */
export function removeLeftSocket(path: string): boolean {
  try {
    if (!lstatSync(path).isSocket()) return false;
    unlinkSync(path);
  } catch {
    // Nothing was left there, or listening will tell what is wrong.
  }
  return true;
}

/** The name of a unix socket that this process has just begun to listen on. */
export class OwnSocket {
  readonly #path: string;
  readonly #inode: bigint;

  constructor(path: string) {
    this.#path = path;
    this.#inode = inodeOf(path);
  }

  /** Removes the name, unless another process has taken it over meanwhile. */
  remove(): void {
    if (inodeOf(this.#path) === this.#inode) removeLeftSocket(this.#path);
  }
}

/** 0 for no file. */
function inodeOf(path: string): bigint {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n;
}
