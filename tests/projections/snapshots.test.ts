import { describe, expect, it } from 'vitest';
import type { VolumeEvent } from '../../src/domain/volume/events.ts';
import { snapshotsProjection } from '../../src/projections/snapshots.ts';
import { transfersProjection } from '../../src/projections/transfers.ts';
import {
  available,
  deletionRequested,
  FAILURE,
  offered,
  revertRequested,
  snapshot,
  snapshotDeletionRequested,
  snapshotRequested,
} from '../domain/volume/volumes.ts';
import { given as givenEvents } from './recorded.ts';

const given = (...events: readonly VolumeEvent[]) => givenEvents(snapshotsProjection, ...events);

const accepted = (snapshotIds: string[]): VolumeEvent => ({
  type: 'TransferAccepted',
  data: {
    volumeId: 'v1',
    transferId: 't1',
    operationId: 'op',
    fromProjectId: 'p1',
    toProjectId: 'p2',
    toUserId: 'u2',
    snapshotIds,
    sizeGiB: 10,
    snapshotsGiB: 10,
    volumeTypeId: 'type1',
  },
});

describe('a snapshot', () => {
  it('is creating at 0% until it was taken', () => {
    const document = given(...available(), snapshotRequested('s1')).document('s1');
    expect(document).toMatchObject({
      status: 'creating',
      progress: '0%',
      volumeId: 'v1',
      createdAt: 3,
      updatedAt: null,
    });
    expect(document).toMatchObject({ operationId: 's1-op', projectId: 'p1', sizeGiB: 10, consumesQuota: true });
  });

  it('is found by the zone of its volume', () => {
    const { document } = given(...available(), snapshotRequested('s1', { availabilityZone: 'nova' }));
    expect(document('s1')).toMatchObject({ availabilityZone: 'nova' });
  });

  it('is available at 100% once it was taken', () => {
    const expected = { status: 'available', progress: '100%', updatedAt: 4, operationId: null };
    expect(given(...available(), ...snapshot('s1')).document('s1')).toMatchObject(expected);
  });

  it('keeps the time of its last update when its metadata changes', () => {
    const changed: VolumeEvent = {
      type: 'SnapshotMetadataChanged',
      data: { volumeId: 'v1', snapshotId: 's1', metadata: { a: 'b' } },
    };
    const expected = { metadata: { a: 'b' }, updatedAt: 4 };
    expect(given(...available(), ...snapshot('s1'), changed).document('s1')).toMatchObject(expected);
  });

  it('is restoring while its volume is reverted to it, whatever comes of it', () => {
    const reverting = [...available(), ...snapshot('s1'), revertRequested('s1')];
    const data = { volumeId: 'v1', operationId: 'revert-op', snapshotId: 's1' };
    const ends: readonly VolumeEvent[] = [
      { type: 'VolumeReverted', data },
      { type: 'VolumeRevertFailed', data: { ...data, reason: FAILURE } },
    ];
    expect(given(...reverting).document('s1')).toMatchObject({ status: 'restoring', operationId: 'revert-op' });
    for (const end of ends) expect(given(...reverting, end).document('s1')).toMatchObject({ status: 'available' });
  });

  it('is deleting with its volume, and gone with its own deletion', () => {
    const cascade = deletionRequested({ cascade: true, snapshotIds: ['s1'] });
    const gone: VolumeEvent = {
      type: 'SnapshotDeleted',
      data: {
        volumeId: 'v1',
        snapshotId: 's1',
        operationId: 'delete-op',
        projectId: 'p1',
        sizeGiB: 10,
        volumeTypeId: 'type1',
        backendName: null,
      },
    };
    const both = [...available(), ...snapshot('s1'), ...snapshot('s2')];
    expect(given(...both, cascade).document('s1')).toMatchObject({ status: 'deleting', operationId: 'delete-op' });
    expect(given(...both, cascade).document('s2')).toMatchObject({ status: 'available' });
    expect(given(...both, snapshotDeletionRequested('s1'), gone).document('s1')).toBeNull();
  });

  it('goes to the new owner of its volume only where it moves along', () => {
    const both = [...available(), ...snapshot('s1'), ...snapshot('s2'), offered(), accepted(['s1'])];
    expect(given(...both).document('s1')).toMatchObject({ projectId: 'p2', userId: 'u2', updatedAt: 8 });
    expect(given(...both).document('s2')).toMatchObject({ projectId: 'p1', userId: 'u1' });
  });
});

describe('a transfer', () => {
  const transfers = (...events: readonly VolumeEvent[]) => givenEvents(transfersProjection, ...events);

  it('is listed while it is open, without the salt and the hash of its key', () => {
    expect(transfers(...available(), offered({ name: 'gift' })).document('t1')).toEqual({
      id: 't1',
      volumeId: 'v1',
      name: 'gift',
      projectId: 'p1',
      noSnapshots: false,
      createdAt: 3,
    });
  });

  it('is gone once it was accepted or taken back', () => {
    const takenBack: VolumeEvent = {
      type: 'TransferDeleted',
      data: { volumeId: 'v1', transferId: 't1', status: 'available' },
    };
    expect(transfers(...available(), offered(), accepted([])).documents.size).toBe(0);
    expect(transfers(...available(), offered(), takenBack).documents.size).toBe(0);
  });
});
