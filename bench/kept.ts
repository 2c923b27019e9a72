import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figures.ts';

/** How much was measured; figures are compared only with those of the same. */
export type Form = 'short' | 'long' | 'scale';

/** Where and when, and of what. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
}

export interface Kept {
  readonly machine: Machine;
  readonly figures: readonly Figure[];
}

const fileOf = (form: Form): string => join(import.meta.dirname, 'results', `${form}.json`);

/** Puts it in place of the result of this form that was kept before. */
export const keep = (form: Form, kept: Kept): void => writeFileSync(fileOf(form), `${JSON.stringify(kept, null, 1)}\n`);

/** The last result of this form that was kept; null where there is none. */
export const lastKept = (form: Form): Kept | null =>
  existsSync(fileOf(form)) ? (JSON.parse(readFileSync(fileOf(form), 'utf8')) as Kept) : null;

const COMPARED = ['per_second', 'p50_ms', 'p99_ms', 'processor_ms', 'ratio', 'mib', 'seconds'] as const;

/** A line for each figure that both have: above 1 is more per second, or more time, than then. */
export function ratiosAgainst(before: Kept, figures: readonly Figure[]): readonly string[] {
  const { commit, date, processor } = before.machine;
  const lines = figures.flatMap((figure) => {
    const then = before.figures.find(({ what }) => what === figure.what);
    const ratios = COMPARED.flatMap((key) => {
      const [now, was] = [figure[key], then?.[key]];
      return now === undefined || was === undefined || was === 0 ? [] : [`${key} x${(now / was).toFixed(2)}`];
    });
    return ratios.length === 0 ? [] : [`${figure.what}: ${ratios.join(', ')}`];
  });
  return [`against ${commit} of ${date} on ${processor}`, ...lines];
}
