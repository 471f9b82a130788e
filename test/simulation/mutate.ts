import { Engine } from "../../core/engine.ts";

/** Puts a bug into the product, from outside; returns what takes it out again. */
export type Mutate = () => () => void;

type Method<T, A extends unknown[], R> = (this: T, ...args: A) => R;
// biome-ignore lint/suspicious/noExplicitAny: what any method is assignable to
type MethodNames<T> = { [K in keyof T]: T[K] extends (...args: any[]) => unknown ? K : never }[keyof T];
type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never;
type ResultOf<F> = F extends (...args: never[]) => infer R ? R : never;
type MethodOf<T, K extends keyof T> = Method<T, ArgumentsOf<T[K]>, ResultOf<T[K]>>;

/** Replaces a method by one made from it. */
export function method<T extends object, K extends MethodNames<T>>(
  prototype: T,
  name: K,
  make: (original: MethodOf<T, K>) => MethodOf<T, K>,
): () => void {
  const original = prototype[name];
  prototype[name] = make(original as MethodOf<T, K>) as T[K];
  return () => {
    prototype[name] = original;
  };
}

/** Replaces a getter. */
export function getter<T extends object, K extends keyof T & string>(
  prototype: T,
  name: K,
  get: () => T[K],
): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name)!;
  Object.defineProperty(prototype, name, { ...original, get });
  return () => Object.defineProperty(prototype, name, original);
}

/** Lets the engine hear of other outcomes than the network had; `slot` is the payment's. */
export function outcomes(hear: (outcome: number, engine: Engine, slot: number) => number): () => void {
  return method(
    Engine.prototype,
    "settle",
    (settle) =>
      function (flight, outcome, nowMs) {
        return settle.call(this, flight, hear(outcome, this, this.flights.slot[flight]!), nowMs);
      },
  );
}
