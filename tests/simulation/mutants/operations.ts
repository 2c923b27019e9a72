import { quotaAggregate, quotaStream } from '../../../src/commands/streams.ts';
import { returnClaim } from '../../../src/sagas/ledgers.ts';
import { StepError } from '../../../src/sagas/operation.ts';
import type { Placed } from '../../../src/sagas/place.ts';
import { type AnyContext, runs, undoesFirst, withoutSending, withStep } from './definitions.ts';
import type { Mutant } from './mutant.ts';

const inputOf = (context: AnyContext): Readonly<Record<string, never>> => context.operation.input;

/** Defects in what operations do. */
export const operationMutants: readonly Mutant[] = [
  {
    name: 'gives the room of a volume back before the volume is deleted',
    definitions: withStep(
      'create-volume',
      'provision',
      undoesFirst((context) => returnClaim(context, context.output<Placed>('place').pool)),
    ),
  },
  {
    name: 'undoes a snapshot forwards',
    definitions: withStep(
      'create-snapshot',
      'snapshot',
      undoesFirst((context) => returnClaim(context, inputOf(context).pool ?? '')),
    ),
  },
  {
    name: 'forgets to record that the backend is about to be touched',
    definitions: withStep('create-volume', 'provision', (step) => ({
      ...step,
      effect: 'command',
      run: async (context) => step.run({ ...context, intent: await step.intent?.(context) }),
    })),
  },
  {
    name: 'does not pin the source of a clone',
    definitions: withStep(
      'create-volume',
      'pin-source',
      runs(async () => null),
    ),
  },
  {
    name: 'claims no room',
    definitions: withStep(
      'create-volume',
      'claim',
      runs(async () => null),
    ),
  },
  {
    name: 'publishes a volume that is another’s by now',
    definitions: withStep(
      'create-volume',
      'publish',
      runs(async (context, publish) => {
        try {
          return await publish(context);
        } catch (error) {
          if (error instanceof StepError && error.reason.code === 'NotOwner') return null;
          throw error;
        }
      }),
    ),
  },
  {
    name: 'does not wait for the operation it takes over',
    definitions: withStep(
      'delete-volume',
      'stop-former',
      runs(async () => null),
    ),
  },
  {
    name: 'forgets to give quota back when a volume is deleted',
    definitions: withStep(
      'delete-volume',
      'finish',
      runs((context, finish) => finish(withoutSending(context, 'ReturnQuota'))),
    ),
  },
  {
    name: 'gives quota back before the snapshot is gone',
    definitions: withStep(
      'delete-snapshot',
      'finish',
      runs(async (context, finish) => {
        await finish(withoutSending(context, 'CompleteSnapshotDeletion')).catch(() => undefined);
        return finish(context);
      }),
    ),
  },
  {
    name: 'gives the donor of a transfer its quota back twice',
    definitions: withStep(
      'accept-transfer',
      'move-quota',
      runs(async (context, move) => {
        await move(context);
        const { fromProjectId = '', sizeGiB = 0 } = inputOf(context);
        const operationId = `${context.operation.operationId}-again`;
        const amounts = { volumes: 1, gigabytes: sizeGiB };
        await context.send(
          quotaAggregate,
          quotaStream(fromProjectId),
          { type: 'ReturnQuota', projectId: fromProjectId, operationId, amounts, reason: 'transferred' },
          ':again',
        );
      }),
    ),
  },
  {
    name: 'leaves the charge of a snapshot open',
    definitions: withStep(
      'create-snapshot',
      'publish',
      runs((context, publish) => publish(withoutSending(context, 'SettleCharge'))),
    ),
  },
];
