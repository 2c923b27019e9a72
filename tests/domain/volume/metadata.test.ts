import { describe, expect, it } from 'vitest';
import { available, given, inStatus, liveOf, snapshot, snapshotOf } from './volumes.ts';

const described = available({
  name: 'data',
  description: 'mine',
  metadata: { a: '1', b: '2' },
  imageMetadata: { os: 'linux' },
});

describe('updating a volume', () => {
  it('changes what is given and new, and records nothing else', () => {
    const then = given(...described).when({ type: 'UpdateVolume', name: 'data', description: null });
    then.then({ type: 'VolumeUpdated', data: { volumeId: 'v1', description: null } });
    then.thenState((state) => expect(liveOf(state)).toMatchObject({ name: 'data', description: null }));
    given(...described)
      .when({ type: 'UpdateVolume', name: 'data' })
      .thenNothing();
    given(...described)
      .when({ type: 'UpdateVolume', name: 'new' })
      .thenState((state) => expect(liveOf(state)).toMatchObject({ name: 'new', description: 'mine' }));
  });

  it('replaces all metadata where it is given', () => {
    given(...described)
      .when({ type: 'UpdateVolume', metadata: { c: '3' } })
      .then({ type: 'VolumeMetadataChanged', data: { volumeId: 'v1', metadata: { c: '3' } } });
    given(...described)
      .when({ type: 'UpdateVolume', metadata: { b: '2', a: '1' } })
      .thenNothing();
    given(...described)
      .when({ type: 'UpdateVolume', name: 'new', metadata: {} })
      .thenTypes('VolumeUpdated', 'VolumeMetadataChanged');
  });

  it('sets the flags, once', () => {
    given(...described)
      .when({ type: 'SetBootable', bootable: true })
      .then({ type: 'VolumeBootableSet', data: { volumeId: 'v1', bootable: true } });
    given(...described)
      .when({ type: 'SetBootable', bootable: false })
      .thenNothing();
    const then = given(...described).when({ type: 'SetReadonly', readonly: false });
    then.then({ type: 'VolumeReadonlySet', data: { volumeId: 'v1', readonly: false } });
    const flagged = { type: 'VolumeReadonlySet', data: { volumeId: 'v1', readonly: true } } as const;
    given(...described, flagged)
      .when({ type: 'SetReadonly', readonly: true })
      .thenNothing();
    given(...described, { type: 'VolumeBootableSet', data: { volumeId: 'v1', bootable: true } })
      .when({ type: 'SetBootable', bootable: true })
      .thenNothing();
  });

  it('is refused in maintenance, and says so', () => {
    given(...inStatus('maintenance'))
      .when({ type: 'UpdateVolume', name: 'x' })
      .thenRejected('InvalidVolume', 'maintenance');
    given(...inStatus('in-use'))
      .when({ type: 'SetReadonly', readonly: true })
      .thenRejected('InvalidVolume', 'readonly flag', 'in-use');
  });
});

describe('metadata of a volume', () => {
  it('is added to, or replaced', () => {
    given(...described)
      .when({ type: 'SetVolumeMetadata', metadata: { b: 'x', c: '3' }, replace: false })
      .then({ type: 'VolumeMetadataChanged', data: { volumeId: 'v1', metadata: { a: '1', b: 'x', c: '3' } } });
    given(...described)
      .when({ type: 'SetVolumeMetadata', metadata: { c: '3' }, replace: true })
      .then({ type: 'VolumeMetadataChanged', data: { volumeId: 'v1', metadata: { c: '3' } } });
    given(...described)
      .when({ type: 'SetVolumeMetadata', metadata: { a: '1' }, replace: false })
      .thenNothing();
    given(...described)
      .when({ type: 'SetVolumeMetadata', metadata: { a: '1', c: '2' }, replace: true })
      .thenTypes('VolumeMetadataChanged');
  });

  it('loses one key', () => {
    given(...described)
      .when({ type: 'DeleteVolumeMetadata', key: 'a' })
      .then({ type: 'VolumeMetadataChanged', data: { volumeId: 'v1', metadata: { b: '2' } } });
    given(...described)
      .when({ type: 'DeleteVolumeMetadata', key: 'z' })
      .thenRejected('VolumeMetadataNotFound', 'z');
  });

  it('of its image is kept apart', () => {
    given(...described)
      .when({ type: 'SetImageMetadata', metadata: { arch: 'x86' } })
      .then({
        type: 'VolumeImageMetadataChanged',
        data: { volumeId: 'v1', imageMetadata: { os: 'linux', arch: 'x86' } },
      });
    given(...described)
      .when({ type: 'SetImageMetadata', metadata: { os: 'linux' } })
      .thenNothing();
    given(...described)
      .when({ type: 'UnsetImageMetadata', key: 'os' })
      .then({ type: 'VolumeImageMetadataChanged', data: { volumeId: 'v1', imageMetadata: {} } });
    given(...described)
      .when({ type: 'UnsetImageMetadata', key: 'z' })
      .thenRejected('GlanceMetadataNotFound', 'z');
  });

  it('is refused while the volume is uploaded, and says so', () => {
    const set = { type: 'SetVolumeMetadata', metadata: {}, replace: true } as const;
    given(...inStatus('uploading'))
      .when(set)
      .thenRejected('InvalidVolume', 'Updating', 'uploading');
  });
});

describe('what describes a snapshot', () => {
  const history = [...available(), ...snapshot('s1', { name: 'one', description: 'first', metadata: { a: '1' } })];

  it('is updated where it is given and new', () => {
    const then = given(...history).when({
      type: 'UpdateSnapshot',
      snapshotId: 's1',
      name: 'two',
      description: 'first',
    });
    then.then({ type: 'SnapshotUpdated', data: { volumeId: 'v1', snapshotId: 's1', name: 'two' } });
    then.thenState((state) => expect(snapshotOf(state, 's1')).toMatchObject({ name: 'two', description: 'first' }));
    given(...history)
      .when({ type: 'UpdateSnapshot', snapshotId: 's1', description: null })
      .thenState((state) => expect(snapshotOf(state, 's1')).toMatchObject({ name: 'one', description: null }));
    given(...history)
      .when({ type: 'UpdateSnapshot', snapshotId: 's1' })
      .thenNothing();
  });

  it('has metadata of its own', () => {
    const changed = (metadata: Record<string, string>) =>
      ({ type: 'SnapshotMetadataChanged', data: { volumeId: 'v1', snapshotId: 's1', metadata } }) as const;
    const set = { type: 'SetSnapshotMetadata', snapshotId: 's1', metadata: { b: '2' }, replace: false } as const;
    given(...history)
      .when(set)
      .then(changed({ a: '1', b: '2' }));
    given(...history)
      .when(set)
      .thenState((state) => expect(snapshotOf(state, 's1').metadata).toEqual({ a: '1', b: '2' }));
    given(...history)
      .when({ ...set, replace: true })
      .then(changed({ b: '2' }));
    given(...history)
      .when({ ...set, metadata: { a: '1' } })
      .thenNothing();
    given(...history)
      .when({ type: 'DeleteSnapshotMetadata', snapshotId: 's1', key: 'a' })
      .then(changed({}));
  });

  it('is not found where the snapshot, or the key, is not there', () => {
    given(...history)
      .when({ type: 'DeleteSnapshotMetadata', snapshotId: 's1', key: 'z' })
      .thenRejected('SnapshotMetadataNotFound', 's1', 'z');
    given(...history)
      .when({ type: 'UpdateSnapshot', snapshotId: 's0', name: 'x' })
      .thenRejected('SnapshotNotFound', 's0');
    given(...history)
      .when({ type: 'SetSnapshotMetadata', snapshotId: 's0', metadata: {}, replace: true })
      .thenRejected('SnapshotNotFound', 's0');
    given(...history)
      .when({ type: 'DeleteSnapshotMetadata', snapshotId: 's0', key: 'a' })
      .thenRejected('SnapshotNotFound', 's0');
  });
});
