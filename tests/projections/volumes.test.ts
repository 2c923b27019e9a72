import { describe, expect, it } from 'vitest';
import type { VolumeEvent } from '../../src/domain/volume/events.ts';
import { volumesProjection } from '../../src/projections/volumes.ts';
import {
  attached,
  available,
  creating,
  creationRequested,
  deleted,
  deletionRequested,
  detached,
  extensionRequested,
  FAILURE,
  offered,
  POOL,
  pinned,
  revertRequested,
  snapshot,
  statusReset,
} from '../domain/volume/volumes.ts';
import { given as givenEvents } from './recorded.ts';

const given = (...events: readonly VolumeEvent[]) => givenEvents(volumesProjection, ...events).document('v1');

describe('a volume that was asked for', () => {
  it('is shown as creating, not placed yet', () => {
    expect(given(...creating())).toEqual({
      id: 'v1',
      projectId: 'p1',
      userId: 'u1',
      name: 'data',
      description: null,
      sizeGiB: 10,
      status: 'creating',
      previousStatus: null,
      attachStatus: 'detached',
      migrationStatus: null,
      availabilityZone: 'nova',
      host: null,
      volumeTypeId: 'type1',
      snapshotId: null,
      sourceVolumeId: null,
      bootable: false,
      multiattach: false,
      consumesQuota: true,
      metadata: {},
      adminMetadata: {},
      imageMetadata: {},
      attachments: [],
      providerId: null,
      serviceUuid: null,
      sharedTargets: null,
      groupId: null,
      createdAt: 1,
      updatedAt: null,
      launchedAt: null,
      operationId: 'create-op',
    });
  });

  it('names the snapshot or the volume it is made from', () => {
    const place = { sizeGiB: 1, pool: POOL, backendName: 'b' };
    const fromSnapshot = creationRequested({
      source: { kind: 'snapshot', snapshotId: 's1', volumeId: 'v0', ...place },
    });
    const clone = creationRequested({ source: { kind: 'volume', volumeId: 'v0', ...place } });
    expect(given(fromSnapshot)).toMatchObject({ snapshotId: 's1', sourceVolumeId: null });
    expect(given(clone)).toMatchObject({ snapshotId: null, sourceVolumeId: 'v0' });
  });

  it('is available where it was built', () => {
    expect(given(...available())).toMatchObject({
      status: 'available',
      host: POOL,
      serviceUuid: 'service1',
      sharedTargets: false,
      launchedAt: 2,
      updatedAt: 2,
      operationId: null,
    });
  });

  it('is in error where it could not be built', () => {
    const failed: VolumeEvent = {
      type: 'VolumeCreationFailed',
      data: { volumeId: 'v1', operationId: 'create-op', reason: FAILURE },
    };
    expect(given(...creating(), failed)).toMatchObject({ status: 'error', host: null, operationId: null });
  });

  it('is gone once it is deleted', () => {
    expect(given(...available(), deletionRequested())).toMatchObject({ status: 'deleting', operationId: 'delete-op' });
    expect(given(...available(), deletionRequested(), deleted)).toBeNull();
  });

  it('is not brought back by what comes late', () => {
    expect(given(...available(), deletionRequested(), deleted, statusReset('available'))).toBeNull();
  });
});

describe('when it was last updated', () => {
  const updatedAt = (...events: readonly VolumeEvent[]) => given(...available(), ...events)?.updatedAt;

  it('changes with a column of the volume', () => {
    const columns: readonly VolumeEvent[] = [
      { type: 'VolumeUpdated', data: { volumeId: 'v1', name: 'new' } },
      { type: 'VolumeBootableSet', data: { volumeId: 'v1', bootable: true } },
      { type: 'VolumeReserved', data: { volumeId: 'v1' } },
      attached(),
      statusReset('error'),
      extensionRequested(),
      revertRequested('s1'),
      deletionRequested(),
      offered(),
    ];
    for (const event of columns) expect(updatedAt(event), event.type).toBe(3);
  });

  it('stays with metadata of any kind, pins and snapshots', () => {
    const others: readonly VolumeEvent[] = [
      { type: 'VolumeMetadataChanged', data: { volumeId: 'v1', metadata: { a: 'b' } } },
      { type: 'VolumeImageMetadataChanged', data: { volumeId: 'v1', imageMetadata: { a: 'b' } } },
      { type: 'VolumeReadonlySet', data: { volumeId: 'v1', readonly: true } },
      pinned(null),
      ...snapshot('s1'),
    ];
    for (const event of others) expect(updatedAt(event), event.type).toBe(2);
  });
});

describe('what administrators see among the metadata', () => {
  it('says "True" or "False" of a flag that was set', () => {
    const set = (readonly: boolean): VolumeEvent => ({ type: 'VolumeReadonlySet', data: { volumeId: 'v1', readonly } });
    expect(given(...available(), set(true))?.adminMetadata).toEqual({ readonly: 'True' });
    expect(given(...available(), set(true), set(false))?.adminMetadata).toEqual({ readonly: 'False' });
  });

  it('gets the flag and the mode with the first attachment, and loses the mode with a detachment', () => {
    const inUse = [...available(), attached('a1', { mode: 'ro' })];
    expect(given(...inUse)?.adminMetadata).toEqual({ readonly: 'False', attached_mode: 'ro' });
    expect(given(...inUse, detached(['a1'], 'available'))?.adminMetadata).toEqual({ readonly: 'False' });
  });

  it('keeps a flag that was set before the attachment', () => {
    const readonly: VolumeEvent = { type: 'VolumeReadonlySet', data: { volumeId: 'v1', readonly: true } };
    const expected = { readonly: 'True', attached_mode: 'ro' };
    expect(given(...available(), readonly, attached('a1', { mode: 'ro' }))?.adminMetadata).toEqual(expected);
  });
});

describe('attachments', () => {
  it('are shown with the time they began', () => {
    const { id, ...rest } = { id: 'a1', instanceId: 'instance-a1', hostName: null, mountpoint: '/dev/vdb', mode: 'rw' };
    expect(given(...available(), attached())).toMatchObject({
      status: 'in-use',
      attachStatus: 'attached',
      attachments: [{ id, ...rest, attachedAt: 3 }],
    });
  });

  it('stay while another one ends', () => {
    const two = [...available({ multiattach: true }), attached('a1'), attached('a2')];
    expect(given(...two, detached(['a1'], 'in-use'))).toMatchObject({
      status: 'in-use',
      attachStatus: 'attached',
      attachments: [{ id: 'a2' }],
    });
  });
});

describe('a transfer', () => {
  it('gives the volume to its new owner', () => {
    const accepted: VolumeEvent = {
      type: 'TransferAccepted',
      data: {
        volumeId: 'v1',
        transferId: 't1',
        operationId: 'op',
        fromProjectId: 'p1',
        toProjectId: 'p2',
        toUserId: 'u2',
        snapshotIds: [],
        sizeGiB: 10,
        snapshotsGiB: 0,
        volumeTypeId: 'type1',
      },
    };
    expect(given(...available(), offered())).toMatchObject({ status: 'awaiting-transfer', projectId: 'p1' });
    expect(given(...available(), offered(), accepted)).toMatchObject({
      status: 'available',
      projectId: 'p2',
      userId: 'u2',
    });
  });

  it('that ends changes nothing of a volume that is no longer waiting', () => {
    const ended: VolumeEvent = { type: 'TransferDeleted', data: { volumeId: 'v1', transferId: 't1', status: 'error' } };
    expect(given(...available(), offered(), statusReset('error'), ended)).toMatchObject({
      status: 'error',
      updatedAt: 4,
    });
  });
});
