import { closeSync, openSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";

const LOCK_NAME = "lock.sock";

/**
 * Keeps a directory to one process. The lock is a listening unix socket in it: the kernel closes it with the process, however
 * that ends, so a name left behind is told from a living owner by trying to connect. It holds across containers that share
 * the directory. The socket is addressed through /proc/self/fd, so the length of the directory's path does not matter.
 */
export class DirectoryLock {
  readonly #server: Server;
  readonly #descriptor: number;

  private constructor(server: Server, descriptor: number) {
    this.#server = server;
    this.#descriptor = descriptor;
  }

  /** Rejects with `the directory is in use by another process: directory=…`. */
  static async take(directory: string): Promise<DirectoryLock> {
    const descriptor = openSync(directory, "r");
    const path = join(`/proc/self/fd/${descriptor}`, LOCK_NAME);
    try {
      const server = (await listen(path)) ?? (await takeOver(path));
      if (server) return new DirectoryLock(server, descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
    throw new Error(`the directory is in use by another process: directory=${directory}`);
  }

  async release(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    closeSync(this.#descriptor);
  }
}

/** The name is taken: by a living owner, or by one that died. */
async function takeOver(path: string): Promise<Server | undefined> {
  if (await isAlive(path)) return undefined;
  unlinkSync(path);
  return listen(path);
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server.unref()));
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
