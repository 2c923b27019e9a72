import { randomUUID } from 'node:crypto';
import { quotaAggregate, quotaStream } from '../../../src/commands/streams.ts';
import type { OpenWork } from '../../../src/ports/coordination.ts';
import { type EventStore, RevisionConflict, StoreUnavailable } from '../../../src/ports/event-store.ts';
import type { Mutant } from './mutant.ts';

const revisionOf = async (store: EventStore, stream: string): Promise<bigint | 'no-stream'> => {
  for await (const { revision } of store.readStream(stream, { direction: 'backwards', limit: 1 })) return revision;
  return 'no-stream';
};

/** Defects in how stores and leases are used. */
export const storeMutants: readonly Mutant[] = [
  {
    name: 'commits twice what may have been committed',
    eventStore: (store) => ({
      ...store,
      append: async (stream, expected, events) => {
        try {
          return await store.append(stream, expected, events);
        } catch (error) {
          if (!(error instanceof StoreUnavailable) || error.outcome !== 'unknown') throw error;
          const others = events.map((event) => ({ ...event, id: randomUUID() }));
          return store.append(stream, await revisionOf(store, stream), others);
        }
      },
    }),
  },
  {
    name: 'ignores a conflict',
    eventStore: (store) => ({
      ...store,
      append: async (stream, expected, events) => {
        try {
          return await store.append(stream, expected, events);
        } catch (error) {
          if (!(error instanceof RevisionConflict)) throw error;
          return store.append(stream, await revisionOf(store, stream), events);
        }
      },
    }),
  },
  {
    name: 'saves the checkpoint of the feed before the unfinished work behind it',
    coordination: (coordination) => {
      let unsaved: readonly OpenWork[] = [];
      return {
        ...coordination,
        putWork: async (work) => {
          unsaved = [...unsaved, ...work];
        },
        saveFeedCheckpoint: async (feed, checkpoint) => {
          await coordination.saveFeedCheckpoint(feed, checkpoint);
          await coordination.putWork(unsaved);
          unsaved = [];
        },
      };
    },
  },
  {
    name: 'does not take up what is unfinished',
    coordination: (coordination) => ({ ...coordination, listWork: async () => [] }),
  },
  {
    name: 'moves the checkpoint of a read model before its documents are written',
    readStore: (store) => ({
      ...store,
      write: async (write) => {
        await store.write({ ...write, changes: [] });
        await store.write({ ...write, from: write.to });
      },
    }),
  },
  {
    name: 'gives a charge back without making its request impossible',
    lapse:
      (_lapse, handler) =>
      async ({ operationId, projectId }) => {
        const context = {
          commandId: randomUUID(),
          correlationId: `req-${operationId}`,
          causationId: operationId,
          actor: { userId: 'scoria', projectId, roles: [], kind: 'system' },
        } as const;
        const command = { type: 'ReturnQuota', projectId, operationId, amounts: 'charge', reason: 'lapsed' } as const;
        await handler.handle(quotaAggregate, quotaStream(projectId), command, context);
        return true;
      },
  },
  {
    name: 'takes a call for ended that was only told to end',
    driver: (driver) => ({
      ...driver,
      createVolume: (volume, context) => orAborted(driver.createVolume(volume, context), context.signal),
      createSnapshot: (snapshot, context) => orAborted(driver.createSnapshot(snapshot, context), context.signal),
      extendVolume: (volume, size, context) => orAborted(driver.extendVolume(volume, size, context), context.signal),
    }),
  },
];

const orAborted = <T>(call: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    call.then(resolve, reject);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
