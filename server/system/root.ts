import { sep } from "node:path";
import { fileURLToPath } from "node:url";

const BUILD = `${sep}build${sep}`;

/**
 * The folder above build/, with its final separator: the repository's root, or the image's. This code lies somewhere
 * below build/, in a file of its own or in a bundle.
 */
export const ROOT = rootOf(fileURLToPath(import.meta.url));

function rootOf(path: string): string {
  return path.slice(0, path.lastIndexOf(BUILD) + 1);
}
