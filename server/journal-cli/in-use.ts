import { closeSync, openSync, readdirSync } from "node:fs";
import { connect } from "node:net";

const LOCK_NAME = /^lock.*\.sock$/;

/** Whether a living process holds the directory's lock: see DirectoryLock. Asking does not disturb it. */
export async function isInUse(directory: string): Promise<boolean> {
  // The name of a socket has room for 107 bytes; a descriptor's is always short.
  const descriptor = openSync(directory, "r");
  try {
    const names = readdirSync(directory).filter((name) => LOCK_NAME.test(name));
    const answers = await Promise.all(names.map((name) => isListening(`/proc/self/fd/${descriptor}/${name}`)));
    return answers.includes(true);
  } finally {
    closeSync(descriptor);
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
