import { describe, expect, it } from 'vitest';
import type { VolumeEvent } from '../../../src/domain/volume/events.ts';
import { evolve, requestsBefore } from '../../../src/domain/volume/index.ts';
import { initialVolume } from '../../../src/domain/volume/state.ts';
import {
  attached,
  available,
  deletionRequested,
  detached,
  extensionRequested,
  given,
  liveOf,
  offered,
  pinned,
  snapshot,
  snapshotCreated,
  snapshotDeletionRequested,
  statusReset,
} from './volumes.ts';

describe('evolve never throws', () => {
  it('on an event whose volume is not there', () => {
    for (const event of [statusReset('error'), snapshotCreated('s1'), attached(), pinned(null)]) {
      expect(evolve(initialVolume, event)).toEqual(initialVolume);
    }
  });

  it('on an event whose snapshot is not there', () => {
    const { state } = given(...available());
    const accepted: VolumeEvent = {
      type: 'TransferAccepted',
      data: {
        volumeId: 'v1',
        transferId: 't1',
        operationId: 'op',
        fromProjectId: 'p1',
        toProjectId: 'p2',
        toUserId: 'u2',
        snapshotIds: ['s0'],
        sizeGiB: 10,
        snapshotsGiB: 0,
        volumeTypeId: 'type1',
      },
    };
    const gone: VolumeEvent = {
      type: 'SnapshotDeleted',
      data: {
        volumeId: 'v1',
        snapshotId: 's0',
        operationId: 'op',
        projectId: 'p1',
        sizeGiB: 10,
        volumeTypeId: 'type1',
        backendName: null,
      },
    };
    const events = [
      snapshotCreated('s0'),
      snapshotDeletionRequested('s0'),
      deletionRequested({ cascade: true, snapshotIds: ['s0'] }),
      accepted,
      gone,
    ];
    for (const event of events) expect(liveOf(evolve(state, event)).snapshots).toEqual({});
  });

  it('on an event that ends what is not there', () => {
    const { state } = given(...available());
    const unpinned: VolumeEvent = { type: 'VolumeUnpinned', data: { volumeId: 'v1', operationId: 'nobody' } };
    expect(evolve(state, unpinned)).toEqual(state);
    expect(evolve(state, detached(['a0'], 'available'))).toEqual(state);
  });

  it('on an event of a type that it does not know', () => {
    const { state } = given(...available());
    expect(evolve(state, { type: 'VolumePainted', data: {} } as unknown as VolumeEvent)).toEqual(state);
  });
});

describe('evolve shares what an event does not touch', () => {
  it('between the old state and the new', () => {
    const before = given(...available({ metadata: { a: '1' } }), ...snapshot('s1'), attached(), offered()).state;
    const after = evolve(before, statusReset('error'));
    expect(liveOf(after).snapshots).toBe(liveOf(before).snapshots);
    expect(liveOf(after).attachments).toBe(liveOf(before).attachments);
    expect(liveOf(after).metadata).toBe(liveOf(before).metadata);
    expect(after.landed).toBe(before.landed);
  });
});

describe('the requests in the stream before another', () => {
  const { state } = given(...available(), extensionRequested(), deletionRequested());

  it('are those that landed earlier, and not its own', () => {
    expect(requestsBefore(state, 'delete-op')).toEqual(new Set(['create-op', 'extend-op']));
    expect(requestsBefore(state, 'create-op')).toEqual(new Set());
  });

  it('are none where it did not land itself', () => {
    expect(requestsBefore(state, 'never-landed')).toEqual(new Set());
  });
});
