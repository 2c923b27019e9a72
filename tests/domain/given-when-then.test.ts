import { describe, expect, it } from 'vitest';
import { accepted, type Decider, rejected } from '../../src/domain/kernel/decider.ts';
import type { DomainEvent } from '../../src/domain/kernel/event.ts';
import { reject } from '../../src/domain/kernel/rejection.ts';
import { givenDecider } from './given-when-then.ts';

type Counted = DomainEvent<'Counted', { readonly by: number }>;

const counter: Decider<{ readonly by: number }, number, Counted> = {
  initial: 0,
  decide: ({ by }, state) => {
    if (by === 0) return accepted();
    if (state + by > 3) return rejected(reject('InvalidInput', { reason: 'by is too large' }));
    return accepted({ type: 'Counted', data: { by } });
  },
  evolve: (state, event) => state + event.data.by,
};

const given = (...by: readonly number[]) =>
  givenDecider(counter).given(...by.map((n): Counted => ({ type: 'Counted', data: { by: n } })));

describe('the given/when/then helper fails when a claim is false', () => {
  it('folds what is given', () => {
    expect(given(1, 2).state).toBe(3);
    given(1)
      .when({ by: 1 })
      .then({ type: 'Counted', data: { by: 1 } });
    given(1).when({ by: 1 }).thenTypes('Counted');
    given(1)
      .when({ by: 2 })
      .thenState((state) => expect(state).toBe(3));
    given(3).when({ by: 1 }).thenRejected('InvalidInput', 'too large');
    given(3).when({ by: 0 }).thenNothing();
  });

  it.each<[string, () => void]>([
    [
      'events differ',
      () =>
        given(1)
          .when({ by: 1 })
          .then({ type: 'Counted', data: { by: 2 } }),
    ],
    ['a refusal was claimed to be events', () => given(3).when({ by: 1 }).then()],
    ['events were claimed to be a refusal', () => given(1).when({ by: 1 }).thenRejected('InvalidInput')],
    ['the code differs', () => given(3).when({ by: 1 }).thenRejected('InvalidVolume')],
    ['the sentence lacks the words', () => given(3).when({ by: 1 }).thenRejected('InvalidInput', 'too small')],
    ['something was accepted, not nothing', () => given(1).when({ by: 1 }).thenNothing()],
    ['the types differ', () => given(1).when({ by: 1 }).thenTypes()],
  ])('%s', (_, claim) => {
    expect(claim).toThrow();
  });
});
