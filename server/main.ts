/**
 * An instance as a process. Everything else is loaded from here, after the handlers are there: loading it takes a tenth
 * of a second and more, and a process that is the first of its container (PID 1) has no default for a signal that
 * nobody handles yet: it would be lost.
 */
let onSignal: () => void = () => process.exit(0);
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => onSignal());

void import("./run.ts").then(({ run }) =>
  run((handler) => {
    onSignal = handler;
  }),
);
