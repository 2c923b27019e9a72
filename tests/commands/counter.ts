import { z } from 'zod';
import type { Aggregate, CommandContext } from '../../src/commands/handle.ts';
import { accepted, rejected } from '../../src/domain/kernel/decider.ts';
import { catalogueOf, type EventsOf } from '../../src/domain/kernel/event.ts';
import { reject } from '../../src/domain/kernel/rejection.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** The smallest aggregate there is: a number that may not exceed its limit, with books that can be closed. */
const schemas = {
  Added: { version: 1, data: z.object({ by: z.number() }) },
  CounterClosed: { version: 1, data: z.object({ total: z.number() }) },
} as const;
export type CounterEvent = EventsOf<typeof schemas>;

export type CounterCommand =
  /** `by` 0 is already so; `times` events of `by` each. */
  | { readonly type: 'Add'; readonly by: number; readonly times?: number; readonly limit?: number }
  | { readonly type: 'Explode' }
  /** Decides on an event that cannot be encoded. */
  | { readonly type: 'Garble' };

export const counterAggregate: Aggregate<CounterCommand, number, CounterEvent> = {
  decider: {
    initial: 0,
    decide: (command, total) => {
      if (command.type === 'Explode') throw new Error('decider broke');
      if (command.type === 'Garble') return accepted({ type: 'Added', data: { by: 'x' as unknown as number } });
      const { by, times = 1, limit = Number.POSITIVE_INFINITY } = command;
      if (total + by * times > limit) return rejected(reject('InvalidInput', { reason: `over ${limit}` }));
      if (by === 0) return accepted();
      return accepted(...Array.from({ length: times }, (): CounterEvent => ({ type: 'Added', data: { by } })));
    },
    evolve: (total, event) => (event.type === 'Added' ? total + event.data.by : event.data.total),
  },
  catalogue: catalogueOf(schemas),
};

export const ledgerAggregate: typeof counterAggregate = {
  ...counterAggregate,
  books: { type: 'CounterClosed', close: (total) => ({ type: 'CounterClosed', data: { total } }) },
};

export const contextOf = (commandId: string, more: Partial<CommandContext> = {}): CommandContext => ({
  commandId,
  correlationId: 'req-1',
  causationId: commandId,
  actor: { userId: 'u', projectId: 'p', roles: ['member'], kind: 'user' },
  ...more,
});

/** Time stands still, and sleeping costs nothing; `slept` says how long was asked for. */
export const stillClock = (): Clock & { readonly slept: number[] } => {
  const slept: number[] = [];
  return {
    slept,
    now: () => 1_000,
    monotonicMs: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
    },
  };
};
