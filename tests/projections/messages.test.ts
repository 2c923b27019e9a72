import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../src/domain/kernel/event.ts';
import { MESSAGE_LIFE_MS, messagesProjection } from '../../src/projections/messages.ts';
import { givenRecorded, recorded } from './recorded.ts';

const messagesOf = (...events: readonly DomainEvent[]) => [
  ...givenRecorded(
    messagesProjection,
    events.map((event, index) => recorded(event, index + 1)),
  ).documents.values(),
];

const failure = (type: string, data: object, code = 'BackendFailed'): DomainEvent => ({
  type,
  data: { volumeId: 'v1', operationId: 'op', reason: { code, message: 'host1@file#pool1: 3 GiB free' }, ...data },
});

/** Action and detail as Cinder numbers them (cinder/message/message_field.py); 101 and 102 are our own. */
const cases: readonly (readonly [string, DomainEvent, string, string])[] = [
  [
    'no pool for a volume',
    failure('VolumeCreationFailed', {}, 'NoValidBackend'),
    'VOLUME_VOLUME_001_003',
    'schedule allocate volume:Could not find any available weighted backend. host1@file#pool1: 3 GiB free',
  ],
  [
    'a driver that fails to create',
    failure('VolumeCreationFailed', {}),
    'VOLUME_VOLUME_008_012',
    'create volume from backend storage:Driver failed to create the volume.',
  ],
  [
    'a driver that is not set up',
    failure('VolumeCreationFailed', {}, 'BackendUnavailable'),
    'VOLUME_VOLUME_008_002',
    'create volume from backend storage:Driver is not initialized at present.',
  ],
  [
    'no room to grow',
    failure('VolumeExtensionFailed', { refused: true }),
    'VOLUME_VOLUME_007_003',
    'extend volume:Could not find any available weighted backend. host1@file#pool1: 3 GiB free',
  ],
  [
    'a driver that fails to extend',
    failure('VolumeExtensionFailed', { refused: false }),
    'VOLUME_VOLUME_007_010',
    'extend volume:Volume Driver failed to extend volume.',
  ],
  [
    'a snapshot that fails',
    failure('SnapshotCreationFailed', { snapshotId: 's1' }),
    'VOLUME_VOLUME_SNAPSHOT_009_013',
    'create snapshot:Snapshot failed to create.',
  ],
  [
    'a busy snapshot',
    failure('SnapshotDeletionFailed', { snapshotId: 's1', busy: true }),
    'VOLUME_VOLUME_SNAPSHOT_010_015',
    'delete snapshot:Snapshot is busy.',
  ],
  [
    'a snapshot that cannot be deleted',
    failure('SnapshotDeletionFailed', { snapshotId: 's1', busy: false }),
    'VOLUME_VOLUME_SNAPSHOT_010_016',
    'delete snapshot:Snapshot failed to delete.',
  ],
  [
    'a busy volume',
    failure('VolumeDeletionFailed', { busy: true }),
    'VOLUME_VOLUME_101_101',
    'delete volume:Volume is busy.',
  ],
  [
    'a volume that cannot be deleted',
    failure('VolumeDeletionFailed', { busy: false }),
    'VOLUME_VOLUME_101_102',
    'delete volume:Volume failed to delete.',
  ],
];

describe('a user message', () => {
  for (const [name, event, eventId, userMessage] of cases) {
    it(`is made from ${name}`, () => {
      expect(messagesOf(event)).toEqual([expect.objectContaining({ eventId, userMessage })]);
    });
  }

  it('belongs to the project and the request that failed, and lives thirty days', () => {
    const event = recorded(failure('SnapshotCreationFailed', { snapshotId: 's1' }), 7, {
      actor: { userId: 'scoria', projectId: 'p9', roles: [], kind: 'operation' },
      correlationId: 'req-9',
    });
    const { documents } = givenRecorded(messagesProjection, [event]);
    expect([...documents.values()]).toEqual([
      expect.objectContaining({
        id: event.id,
        projectId: 'p9',
        requestId: 'req-9',
        resourceType: 'VOLUME_SNAPSHOT',
        resourceUuid: 's1',
        messageLevel: 'ERROR',
        createdAt: 7,
        guaranteedUntil: 7 + 30 * 86_400_000,
      }),
    ]);
    expect(MESSAGE_LIFE_MS).toBe(2_592_000_000);
  });

  it('is gone once its project has put it away', () => {
    const failed = recorded(failure('VolumeCreationFailed', {}), 1);
    const deletion = { type: 'MessageDeleted', data: { projectId: 'demo', messageId: failed.id } };
    const { documents } = givenRecorded(messagesProjection, [
      failed,
      recorded(deletion, 2, { stream: 'messages-demo' }),
    ]);
    expect(documents.size).toBe(0);
  });

  it('is not made from what went well', () => {
    expect(messagesOf({ type: 'VolumeMetadataChanged', data: { volumeId: 'v1', metadata: {} } })).toEqual([]);
  });
});
