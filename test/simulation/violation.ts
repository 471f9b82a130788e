/**
 * A promise of the product that a run has seen broken. `rule` is short and stable: shrinking keeps to the same rule.
 */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly rule: string;

  constructor(rule: string, detail: string, options?: ErrorOptions) {
    super(`${rule}: ${detail}`, options);
    this.rule = rule;
  }
}

/** Throws unless the condition holds. `detail` is a function because it is almost never needed. */
export function expectThat(condition: boolean, rule: string, detail: () => string): asserts condition {
  if (!condition) throw new Violation(rule, detail());
}
