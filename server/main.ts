/**
 * An instance as a process. Everything else is loaded from here, after the handlers are there: loading it takes a tenth
 * of a second and more, and a process that is the first of its container (PID 1) has no default for a signal that
 * nobody handles yet: it would be lost.
 */
let onSignal: () => void = () => process.exit(0);
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => onSignal());

// Node.js opens the files of an import all at once: in parts, so that few descriptors will do (ulimit -n).
await import("../core/engine.ts");
await import("./settings/config.ts");
await import("./partition/custody.ts");
await import("./telemetry/telemetry.ts");
const { run } = await import("./run.ts");
await run((handler) => {
  onSignal = handler;
});
