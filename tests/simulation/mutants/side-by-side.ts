import { poolAggregate, poolStream } from '../../../src/commands/streams.ts';
import { getById } from '../../../src/domain/kernel/id-map.ts';
import type { Placed } from '../../../src/sagas/place.ts';
import { withStep } from './definitions.ts';
import type { Mutant } from './mutant.ts';

/** Defects that only show where several processes carry operations out; some need thousands of seeds. */
export const sideBySideMutants: readonly Mutant[] = [
  {
    name: 'does not ask again whether an operation is still its own',
    shares: ({ ownership }) => ({ ownership: { ...ownership, holds: () => true } }),
  },
  {
    name: 'leaves no mark where there is no claim to return',
    definitions: withStep('create-volume', 'claim', (step) => ({
      ...step,
      undo: async (context) => {
        const { pool } = context.output<Placed>('place');
        const { state } = await context.services.handler.load(poolAggregate, poolStream(pool));
        if (getById(state.open, context.operation.operationId) === undefined) return;
        await step.undo?.(context);
      },
    })),
  },
  {
    name: 'drives every operation in every process',
    shares: () => ({ ownership: { drives: () => true, holds: () => true } }),
  },
];
