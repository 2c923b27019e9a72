import type { Figures } from './capacity.ts';
import type { PoolFacts } from './pool-facts.ts';
import { booleanOf, numberOf, ownEntry } from './python-values.ts';

/** Which extra spec a pool does not meet. */
export interface UnmetSpec {
  readonly reason: string;
  readonly figures: Figures;
}

type Operator = (capability: unknown, word: string) => boolean;

const numeric =
  (compare: (capability: number, word: number) => boolean): Operator =>
  (capability, word) => {
    const left = numberOf(capability);
    const right = numberOf(word);
    return left !== null && right !== null && compare(left, right);
  };

const textual =
  (compare: (capability: string, word: string) => boolean): Operator =>
  (capability, word) =>
    typeof capability === 'string' && compare(capability, word);

const isIn: Operator = (capability, word) => {
  if (typeof capability === 'string' || Array.isArray(capability)) return capability.includes(word);
  return ownEntry(capability, word) !== undefined;
};

/** By first word of an extra spec's value. `=` means at least (contract/scheduler.md §4). */
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['=', numeric((a, b) => a >= b)],
  ['==', numeric((a, b) => a === b)],
  ['!=', numeric((a, b) => a !== b)],
  ['>=', numeric((a, b) => a >= b)],
  ['<=', numeric((a, b) => a <= b)],
  ['<in>', isIn],
  ['<is>', (capability, word) => booleanOf(capability) === booleanOf(word)],
  ['s==', textual((a, b) => a === b)],
  ['s!=', (capability, word) => capability !== word],
  ['s<', textual((a, b) => a < b)],
  ['s<=', textual((a, b) => a <= b)],
  ['s>', textual((a, b) => a > b)],
  ['s>=', textual((a, b) => a >= b)],
]);

/**
 * Whether one capability meets the value of an extra spec: its first word names an operator and the next word is the
 * operand (`<or> a <or> b`: any of them); without an operator the two must be equal. (contract/scheduler.md §4)
 */
export function matchesSpec(capability: unknown, wanted: string): boolean {
  const [operatorName = '', ...words] = wanted.trim().split(/\s+/);
  if (operatorName === '<or>') {
    return words.some((word, index) => index % 2 === 0 && word === capability);
  }
  const operator = OPERATORS.get(operatorName);
  if (operator === undefined) return capability === wanted;
  const [word] = words;
  if (capability === null || word === undefined) return false;
  return operator(capability, word);
}

/**
 * The first extra spec that a pool's capabilities do not meet, or null. Keys of a scope other than `capabilities`
 * (`provisioning:`, `RESKEY:`, a vendor's) are not for the scheduler; of `capabilities:a:b` the rest is walked as nested keys.
 */
export function unmetSpec(capabilities: PoolFacts, extraSpecs: Readonly<Record<string, string>>): UnmetSpec | null {
  for (const [key, wanted] of Object.entries(extraSpecs)) {
    const path = key.split(':');
    if (path[0] === 'capabilities') path.shift();
    else if (path.length > 1) continue;
    const capability = path.reduce<unknown>(ownEntry, capabilities);
    if (capability === undefined) {
      return { reason: `it does not report the capability ${key}`, figures: { extraSpec: key, wanted } };
    }
    const alternatives: readonly unknown[] = Array.isArray(capability) ? capability : [capability];
    if (alternatives.some((alternative) => matchesSpec(alternative, wanted))) continue;
    const reported = typeof capability === 'string' ? capability : JSON.stringify(capability);
    return {
      reason: `extra spec ${key}=${wanted} does not match its capability ${reported}`,
      figures: { extraSpec: key, wanted, capability: reported },
    };
  }
  return null;
}
