import { randomUUID } from 'node:crypto';
import type { DomainEvent, EventMetadata } from '../src/domain/kernel/event.ts';
import { deriveId, eventIdOf } from '../src/domain/kernel/ids.ts';
import type { EventStore, EventToAppend } from '../src/ports/event-store.ts';

/** What a server records of volumes that are created, renamed, snapshotted and deleted, for seeding a log. */

const POOL = 'host1@file#pool1';
const PROJECTS = 20;
const SIDE_BY_SIDE = 256;
const STARTED_AT = Date.UTC(2026, 0, 1);

interface Streamed {
  readonly stream: string;
  readonly event: DomainEvent;
}

const on = (stream: string, type: string, data: unknown): Streamed => ({ stream, event: { type, data } });

/** The events of one volume's life in the order they happen; every fourth has a snapshot, every tenth is deleted. */
export function lifeOfVolume(index: number): readonly Streamed[] {
  const volumeId = deriveId('seed', 'volume', index);
  const projectId = `project-${index % PROJECTS}`;
  return [
    ...creation(index, volumeId, projectId),
    ...(index % 2 === 0 ? [on(`volume-${volumeId}`, 'VolumeUpdated', { volumeId, name: `renamed-${index}` })] : []),
    ...(index % 4 === 0 ? snapshot(index, volumeId, projectId) : []),
    ...(index % 10 === 0 ? deletion(index, volumeId, projectId) : []),
  ];
}

function creation(index: number, volumeId: string, projectId: string): readonly Streamed[] {
  const operationId = deriveId('seed', 'create', index);
  const typeId = deriveId('seed', 'type');
  const [volume, quota, pool, operation] = streamsOf(volumeId, projectId, operationId);
  const amounts = { volumes: 1, gigabytes: 10, [`volumes:${typeId}`]: 1, [`gigabytes:${typeId}`]: 10 };
  const request = {
    ...{ volumeId, operationId, projectId, userId: 'seed', name: `volume-${index}`, description: null, sizeGiB: 10 },
    ...{ volumeTypeId: typeId, volumeType: { name: '__DEFAULT__', extraSpecs: {} }, source: { kind: 'empty' } },
    ...{ availabilityZones: [], availabilityZone: 'nova', metadata: { tier: `t${index % 3}` }, multiattach: false },
    ...{ bootable: false, imageMetadata: {}, schedulerHints: {} },
  };
  const built = { backendName: `volume-${volumeId}`, providerId: null };
  const outcome = { operationId, pool: POOL, availabilityZone: 'nova', ...built };
  return [
    on(quota, 'QuotaCharged', { projectId, operationId, amounts, landsIn: volume, reserved: false }),
    on(volume, 'VolumeCreationRequested', request),
    ...operationUntil(operation, operationId, request, 'create-volume', ['pin-source', 'place', 'claim', 'provision']),
    on(pool, 'PoolCapacityClaimed', { pool: POOL, operationId, resourceId: volumeId, kind: 'volume', sizeGiB: 10 }),
    on(volume, 'VolumeCreated', { volumeId, ...outcome, serviceUuid: 'service-1', sharedTargets: false }),
    on(quota, 'QuotaSettled', { projectId, operationId }),
    on(pool, 'PoolClaimSettled', { pool: POOL, operationId }),
    ...operationEnd(operation, operationId, 'publish'),
  ];
}

function snapshot(index: number, volumeId: string, projectId: string): readonly Streamed[] {
  const operationId = deriveId('seed', 'create-snapshot', index);
  const snapshotId = deriveId('seed', 'snapshot', index);
  const [volume, quota, , operation] = streamsOf(volumeId, projectId, operationId);
  const amounts = { snapshots: 1, gigabytes: 10 };
  const request = {
    ...{ volumeId, snapshotId, operationId, projectId, userId: 'seed', name: null, description: null, metadata: {} },
    ...{ sizeGiB: 10, volumeTypeId: deriveId('seed', 'type'), pool: POOL, volumeBackendName: `volume-${volumeId}` },
  };
  const built = { backendName: `snapshot-${snapshotId}`, providerId: null };
  return [
    on(quota, 'QuotaCharged', { projectId, operationId, amounts, landsIn: volume, reserved: false }),
    on(volume, 'SnapshotCreationRequested', request),
    ...operationUntil(operation, operationId, request, 'create-snapshot', ['claim', 'provision']),
    on(volume, 'SnapshotCreated', { volumeId, snapshotId, operationId, ...built }),
    on(quota, 'QuotaSettled', { projectId, operationId }),
    ...operationEnd(operation, operationId, 'publish'),
  ];
}

function deletion(index: number, volumeId: string, projectId: string): readonly Streamed[] {
  const operationId = deriveId('seed', 'delete', index);
  const [volume, quota, pool, operation] = streamsOf(volumeId, projectId, operationId);
  const rules = { cascade: true, force: false, snapshotIds: [], takesOver: [], status: 'deleting' };
  const request = { volumeId, operationId, projectId, ...rules };
  const freed = { volumesGiB: 10, snapshotsGiB: 0, volumes: 1, snapshots: 0, reason: 'deleted' };
  const gone = { volumeId, operationId, projectId, sizeGiB: 10, volumeTypeId: deriveId('seed', 'type'), pool: POOL };
  const amounts = { volumes: 1, gigabytes: 10 };
  return [
    on(volume, 'VolumeDeletionRequested', request),
    ...operationUntil(operation, operationId, request, 'delete-volume', ['remove-export', 'delete']),
    on(volume, 'VolumeDeleted', gone),
    on(pool, 'PoolCapacityReturned', { pool: POOL, operationId, ...freed }),
    on(quota, 'QuotaReturned', { projectId, operationId, amounts, reason: 'deleted' }),
    ...operationEnd(operation, operationId, 'publish'),
  ];
}

const streamsOf = (volumeId: string, projectId: string, operationId: string) =>
  [`volume-${volumeId}`, `quota-${projectId}`, `pool-${POOL}`, `operation-${operationId}`] as const;

/** An operation from its start to the end of these steps; the last of them touches the world. */
function operationUntil(
  stream: string,
  operationId: string,
  input: { readonly volumeId: string; readonly projectId: string },
  kind: string,
  steps: readonly string[],
): readonly Streamed[] {
  const { volumeId, projectId } = input;
  const resource = { type: 'volume', id: volumeId, volumeId };
  const all = [...steps, 'publish'];
  const started = { operationId, kind, version: 1, steps: all, projectId, resource, input };
  const intent = { pool: POOL, volume: { id: volumeId, name: `volume-${volumeId}`, sizeGiB: 10, pool: 'pool1' } };
  const last = steps.at(-1);
  return [
    on(stream, 'OperationStarted', started),
    ...steps.flatMap((step) => [
      ...(step === last ? [on(stream, 'StepStarted', { operationId, step, attempt: 1, input: intent })] : []),
      on(stream, 'StepSucceeded', { operationId, step, attempt: 1, output: { pool: POOL } }),
    ]),
  ];
}

const operationEnd = (stream: string, operationId: string, step: string): readonly Streamed[] => [
  on(stream, 'StepSucceeded', { operationId, step, attempt: 1, output: null }),
  on(stream, 'OperationSucceeded', { operationId }),
];

/** Appends lives of volumes until the log holds at least `events` of them; returns how many it appended. */
export async function seedVolumes(eventStore: EventStore, events: number): Promise<number> {
  const revisions = new Map<string, bigint>();
  let appended = 0;
  for (let index = 0; appended < events; ) {
    const lives: (readonly Streamed[])[] = [];
    for (; lives.length < SIDE_BY_SIDE && appended < events; index += 1) {
      const life = lifeOfVolume(index);
      lives.push(life);
      appended += life.length;
    }
    // what happens side by side lies interleaved in the log, one append per stream and round
    const byStream = new Map<string, EventToAppend[]>();
    for (const { stream, event } of interleaved(lives)) {
      const waiting = byStream.get(stream) ?? [];
      byStream.set(stream, waiting);
      waiting.push(toAppend(stream, event, (revisions.get(stream) ?? -1n) + BigInt(waiting.length) + 1n));
    }
    await Promise.all(
      [...byStream].map(async ([stream, waiting]) => {
        const { revision } = await eventStore.append(stream, revisions.get(stream) ?? 'no-stream', waiting);
        revisions.set(stream, revision);
      }),
    );
  }
  return appended;
}

function interleaved(lives: readonly (readonly Streamed[])[]): readonly Streamed[] {
  const longest = Math.max(...lives.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lives.flatMap((life) => life[at] ?? [])).flat();
}

function toAppend(stream: string, event: DomainEvent, revision: bigint): EventToAppend {
  const commandId = deriveId('seed', stream, Number(revision));
  const metadata: EventMetadata = {
    commandId,
    correlationId: `req-${commandId}`,
    causationId: `req-${commandId}`,
    actor: { userId: 'seed', projectId: 'project-0', roles: ['member'], kind: 'user' },
    origin: '127.0.0.1',
    at: STARTED_AT + Number(revision),
    schemaVersion: 1,
  };
  return { ...event, id: eventIdOf(commandId, stream, 0), metadata };
}

/** An event as a request leaves it, of a stream of its own. */
export const aRequest = (index: number): EventToAppend => ({
  id: randomUUID(),
  ...(lifeOfVolume(index)[1]?.event ?? { type: 'VolumeUpdated', data: {} }),
  metadata: {
    commandId: randomUUID(),
    correlationId: `req-${randomUUID()}`,
    causationId: randomUUID(),
    actor: { userId: 'admin', projectId: 'demo', roles: ['admin'], kind: 'user' },
    at: Date.now(),
    schemaVersion: 1,
  },
});
