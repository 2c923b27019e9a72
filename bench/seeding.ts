import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteEventStore } from '../src/adapters/sqlite/event-store.ts';
import type { DomainEvent, EventMetadata } from '../src/domain/kernel/event.ts';
import { deriveId, eventIdOf } from '../src/domain/kernel/ids.ts';
import type { EventStore } from '../src/ports/event-store.ts';

/** Makes a data directory whose log holds many volumes, each with its operation, charged and claimed in sums. */

const POOL = 'scoria@file#pool';
const PROJECT = 'demo';
/** Every so many-th volume is another project's. */
const OTHERS_EVERY = 4;
const SIZE_GIB = 1;
const STARTED_AT = Date.UTC(2026, 0, 1);
const SIDE_BY_SIDE = 512;
const STEPS = ['place', 'claim', 'provision', 'publish'];

export const seededVolumeId = (index: number): string => deriveId('seeded', index);

/** Seeds so many volumes; returns the number of events. `onProgress` is told how many volumes are there. */
export async function seedDirectory(
  directory: string,
  volumes: number,
  onProgress?: (volumes: number) => void,
): Promise<number> {
  const data = join(directory, 'data');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const store = await openSqliteEventStore({ file: join(data, 'events.db') });
  let events = 0;
  for (let from = 0; from < volumes; from += SIDE_BY_SIDE) {
    const until = Math.min(from + SIDE_BY_SIDE, volumes);
    const appends = Array.from({ length: until - from }, (_, index) => appendVolume(store, from + index));
    await Promise.all(appends);
    events += 4 * appends.length;
    onProgress?.(until);
  }
  await closeBooks(store, volumes);
  await store.close();
  return events + 2;
}

const projectOf = (index: number): string => (index % OTHERS_EVERY === 0 ? `project-${index % 100}` : PROJECT);

async function appendVolume(store: EventStore, index: number): Promise<void> {
  const volumeId = seededVolumeId(index);
  const operationId = deriveId('seeded', 'operation', index);
  const typeId = deriveId('seeded', 'type');
  const projectId = projectOf(index);
  const requested = {
    ...{ volumeId, operationId, projectId, userId: 'admin', name: `volume-${index}`, description: null },
    ...{ sizeGiB: SIZE_GIB, volumeTypeId: typeId, volumeType: { name: '__DEFAULT__', extraSpecs: {} } },
    ...{ source: { kind: 'empty' }, availabilityZones: [], availabilityZone: 'nova', metadata: { n: `${index % 7}` } },
    ...{ multiattach: false, bootable: false, imageMetadata: {}, schedulerHints: {} },
  };
  const created = {
    ...{ volumeId, operationId, pool: POOL, availabilityZone: 'nova', backendName: `volume-${volumeId}` },
    ...{ providerId: null, serviceUuid: deriveId('seeded', 'service'), sharedTargets: false },
  };
  const resource = { type: 'volume', id: volumeId, volumeId };
  const operation = { operationId, kind: 'create-volume', version: 1, steps: STEPS, projectId, resource };
  const at = STARTED_AT + index;
  await append(store, `volume-${volumeId}`, projectId, at, [
    { type: 'VolumeCreationRequested', data: requested },
    { type: 'VolumeCreated', data: created },
  ]);
  await append(store, `operation-${operationId}`, projectId, at, [
    { type: 'OperationStarted', data: { ...operation, input: requested } },
    { type: 'OperationSucceeded', data: { operationId } },
  ]);
}

/** The ledgers as they would be: only their sums, since nothing is open. */
async function closeBooks(store: EventStore, volumes: number): Promise<void> {
  const mine = Array.from({ length: volumes }, (_, index) => index).filter((index) => projectOf(index) === PROJECT);
  const charged = { volumes: mine.length, gigabytes: mine.length * SIZE_GIB };
  const at = STARTED_AT + volumes;
  const quota = { projectId: PROJECT, limits: {}, charged, open: [], ended: [], settled: [] };
  await append(store, `quota-${PROJECT}`, PROJECT, at, [{ type: 'QuotaLedgerClosed', data: quota }]);
  const sums = { volumesGiB: volumes * SIZE_GIB, snapshotsGiB: 0, volumes, snapshots: 0 };
  const pool = { pool: POOL, ...sums, open: [], ended: [], settled: [] };
  await append(store, `pool-${POOL}`, PROJECT, at, [{ type: 'PoolLedgerClosed', data: pool }]);
}

async function append(
  store: EventStore,
  stream: string,
  projectId: string,
  at: number,
  events: readonly DomainEvent[],
): Promise<void> {
  const commandId = deriveId('seeded', stream);
  const metadata: EventMetadata = {
    commandId,
    correlationId: `req-${commandId}`,
    causationId: commandId,
    actor: { userId: 'admin', projectId, roles: ['admin'], kind: 'user' },
    origin: '127.0.0.1',
    at,
    schemaVersion: 1,
  };
  const toAppend = events.map((event, index) => ({ ...event, id: eventIdOf(commandId, stream, index), metadata }));
  await store.append(stream, 'no-stream', toAppend);
}
