import { describe, expect, it } from 'vitest';
import { mutants } from './mutants/all.ts';
import { sideBySideMutants } from './mutants/side-by-side.ts';
import { describeRun } from './report.ts';
import { simulate } from './simulation.ts';

/** How long the fast suite may go on; the seeds are always the same, from the first. */
const BUDGET_MS = 12_000;
const LEAST_SEEDS = 100;

/** The story of a failing seed: `npm run test:simulation -- --seed <n>` tells all of it. */
const storyOf = async (seed: number): Promise<string> => describeRun(await simulate(seed, { history: true }), 80);

describe('servers that crash, wait, and are told wrong things', () => {
  it('keep every promise, whatever the seed', { timeout: 120_000 }, async () => {
    const until = performance.now() + BUDGET_MS;
    for (let seed = 1; seed <= LEAST_SEEDS || performance.now() < until; seed += 1) {
      const { violations } = await simulate(seed);
      if (violations.length > 0) expect.fail(await storyOf(seed));
    }
  });

  it('keep them also side by side, when they stand still, leave and come back', { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const { violations } = await simulate(seed, { many: true });
      expect(violations, `seed ${seed}`).toEqual([]);
    }
  });

  it.each([
    [260, 'an operation that was stopped before it was begun, where the stop was never heard of'],
    [995, 'an operation whose state was out of date where its next step was to be begun'],
  ])('go on, at seed %d, with %s', { timeout: 60_000 }, async (seed) => {
    expect((await simulate(seed, { many: true })).violations).toEqual([]);
  });

  it.each([
    [4870, 'take no snapshot of a volume that is still being deleted'],
    [14549, 'keep no charge that a late sending of a request made again'],
  ])('at seed %d, %s', { timeout: 60_000 }, async (seed) => {
    expect((await simulate(seed)).violations).toEqual([]);
  });

  it('do the same at every step when a seed is run again', async () => {
    for (const seed of [3, 14, 25]) {
      const [first, second] = [await simulate(seed, { history: true }), await simulate(seed, { history: true })];
      expect(first.history.lines.length).toBeGreaterThan(100);
      expect(second.history.lines).toEqual(first.history.lines);
      expect(second.figures).toEqual(first.figures);
    }
  });
});

/** Seeds that a defect may hide from. */
const MOST_SEEDS = 500;
const MOST_SEEDS_SIDE_BY_SIDE = 600;

describe('the simulation finds a server that', () => {
  it.each(mutants)('$name', { timeout: 60_000 }, async (mutant) => {
    for (let seed = 1; seed <= MOST_SEEDS; seed += 1) {
      if ((await simulate(seed, { mutant })).violations.length > 0) return;
    }
    expect.fail(`none of ${MOST_SEEDS} seeds shows it`);
  });
});

describe('the simulation finds processes side by side of which one', () => {
  // a change of what is awaited anywhere moves what a seed shows: then others are looked through, and the test takes longer
  it.each([
    ['does not ask again whether an operation is still its own', 51, true],
    ['leaves no mark where there is no claim to return', 220, true],
    ['drives every operation in every process', 7, false],
  ] as const)(
    '%s, first looked for at seed %d, pauses before claims: %s',
    { timeout: 150_000 },
    async (name, kept, pausesBeforeClaims) => {
      const mutant = sideBySideMutants.find((one) => one.name === name);
      if (mutant === undefined) throw new Error(`no defect is named ${name}`);
      const shows = async (seed: number): Promise<boolean> =>
        (await simulate(seed, { many: true, mutant, pausesBeforeClaims })).violations.length > 0;
      if (await shows(kept)) return;
      for (let seed = 1; seed <= MOST_SEEDS_SIDE_BY_SIDE; seed += 1) {
        if (!(await shows(seed))) continue;
        console.log(`${name}: seed ${seed} shows it now, ${kept} no longer`);
        return;
      }
      expect.fail(`none of ${MOST_SEEDS_SIDE_BY_SIDE} seeds shows it`);
    },
  );
});
