import { describe, expect, it } from 'vitest';
import { attachmentTo } from '../../../src/domain/volume/index.ts';
import { OPERATION_STATUSES } from '../../../src/domain/volume/transitions.ts';
import {
  attached,
  attachVolume,
  available,
  detached,
  given,
  inStatus,
  liveOf,
  neverPlaced,
  offered,
  reset,
  statusReset,
} from './volumes.ts';

const reserved = { type: 'VolumeReserved', data: { volumeId: 'v1' } } as const;

describe('reserving a volume', () => {
  it('marks it attaching, and unreserving leads back to what its attachments say', () => {
    given(...available())
      .when({ type: 'ReserveVolume' })
      .then(reserved);
    given(...available(), reserved)
      .when({ type: 'UnreserveVolume' })
      .then({ type: 'VolumeUnreserved', data: { volumeId: 'v1', status: 'available' } });
    given(...available({ multiattach: true }), attached(), reserved)
      .when({ type: 'UnreserveVolume' })
      .then({ type: 'VolumeUnreserved', data: { volumeId: 'v1', status: 'in-use' } });
  });

  it('names the statuses that would do', () => {
    given(...inStatus('error'))
      .when({ type: 'ReserveVolume' })
      .thenRejected('InvalidVolume', 'must be available to');
    given(...inStatus('error', [], { multiattach: true }))
      .when({ type: 'ReserveVolume' })
      .thenRejected('InvalidVolume', 'must be available or in-use');
  });
});

describe('attaching a volume', () => {
  it('puts it in use, and writes out that it is writable', () => {
    const then = given(...available(), reserved).when(attachVolume());
    then.then(attached('a9', { mountpoint: '/dev/vdc' }));
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({
        status: 'in-use',
        attachStatus: 'attached',
        attachedMode: 'rw',
        readonly: false,
      });
      expect(Object.keys(liveOf(state).attachments)).toEqual(['a9']);
    });
  });

  it('of a read-only volume takes mode ro', () => {
    const history = [...available(), { type: 'VolumeReadonlySet', data: { volumeId: 'v1', readonly: true } } as const];
    given(...history)
      .when(attachVolume())
      .thenRejected('InvalidVolumeAttachMode', "'rw'", 'v1');
    given(...history)
      .when(attachVolume({ mode: 'ro' }))
      .thenState((state) => expect(liveOf(state)).toMatchObject({ readonly: true, attachedMode: 'ro' }));
  });

  it('is refused where the volume was never placed', () => {
    given(...neverPlaced)
      .when(attachVolume())
      .thenRejected('InvalidVolume', 'scheduled');
  });

  it('is refused while it is being attached in another mode', () => {
    const history = [...available({ multiattach: true }), attached('a1', { mode: 'ro' }), reserved];
    given(...history)
      .when(attachVolume({ mode: 'rw' }))
      .thenRejected('InvalidVolume', 'different mode');
    given(...history)
      .when(attachVolume({ mode: 'ro' }))
      .thenTypes('VolumeAttached');
  });

  it('twice is refused unless the volume may be attached many times, or is migrating', () => {
    given(...available(), attached())
      .when(attachVolume())
      .thenRejected('InvalidVolume', 'already attached');
    given(...available({ multiattach: true }), attached())
      .when(attachVolume())
      .thenState((state) => expect(Object.keys(liveOf(state).attachments)).toEqual(['a1', 'a9']));
    given(...available(), attached(), reset({ migrationStatus: 'migrating' }))
      .when(attachVolume())
      .thenTypes('VolumeAttached');
    given(...available(), attached(), reset({ migrationStatus: 'success' }))
      .when(attachVolume())
      .thenRejected('InvalidVolume', 'already attached');
  });

  it('to an instance that has it already keeps the attachment there is', () => {
    const again = attachVolume({ instanceId: 'instance-a1' });
    given(...available(), attached())
      .when(again)
      .thenNothing();
    given(...available({ multiattach: true }), attached(), reserved)
      .when(again)
      .then(attached());
  });

  it('to a host that has it already keeps the attachment there is', () => {
    const toHost = attached('a1', { instanceId: null, hostName: 'node1' });
    given(...available(), toHost)
      .when(attachVolume({ instanceId: null, hostName: 'node1' }))
      .thenNothing();
    given(...available({ multiattach: true }), toHost)
      .when(attachVolume({ instanceId: null, hostName: 'node2' }))
      .thenTypes('VolumeAttached');
  });

  it('finds the attachment that serves an instance or a host', () => {
    const volume = liveOf(given(...available(), attached('a1', { hostName: 'node1' })).state);
    expect(attachmentTo(volume, { instanceId: 'instance-a1', hostName: null })?.id).toBe('a1');
    expect(attachmentTo(volume, { instanceId: null, hostName: 'node1' })?.id).toBe('a1');
    expect(attachmentTo(volume, { instanceId: 'other', hostName: 'node1' })).toBeUndefined();
  });
});

describe('detaching a volume', () => {
  const begun = { type: 'VolumeDetachingBegun', data: { volumeId: 'v1' } } as const;

  it('is begun, and can be taken back', () => {
    given(...available(), attached())
      .when({ type: 'BeginDetaching' })
      .then(begun);
    given(...available(), attached(), begun)
      .when({ type: 'RollDetaching' })
      .then({ type: 'VolumeDetachingRolledBack', data: { volumeId: 'v1' } });
  });

  it('is not begun where attach_status says detached', () => {
    given(...available(), statusReset('in-use'))
      .when({ type: 'BeginDetaching' })
      .thenRejected('InvalidVolume', 'attach_status');
  });

  it('leaves a migrating volume alone and succeeds', () => {
    given(...available(), attached(), reset({ migrationStatus: 'migrating' }))
      .when({ type: 'BeginDetaching' })
      .thenNothing();
  });

  it('ends the only attachment, or the one that is named', () => {
    given(...available(), attached(), begun)
      .when({ type: 'DetachVolume', attachmentId: null })
      .then(detached(['a1'], 'available'));
    const two = [...available({ multiattach: true }), attached('a1'), attached('a2'), begun];
    const then = given(...two).when({ type: 'DetachVolume', attachmentId: 'a2' });
    then.then(detached(['a2'], 'in-use'));
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'in-use', attachStatus: 'attached', attachedMode: null });
      expect(Object.keys(liveOf(state).attachments)).toEqual(['a1']);
    });
  });

  it('of several without saying which is refused', () => {
    given(...available({ multiattach: true }), attached('a1'), attached('a2'))
      .when({ type: 'DetachVolume', attachmentId: null })
      .thenRejected('InvalidVolume', 'attachment_id');
  });

  it('of an unknown attachment ends none and works the status out anew', () => {
    const unknown = { type: 'DetachVolume', attachmentId: 'a0' } as const;
    given(...available(), attached(), begun)
      .when(unknown)
      .then(detached([], 'in-use'));
    given(...available(), reserved)
      .when(unknown)
      .then(detached([], 'available'));
    given(...available())
      .when(unknown)
      .thenNothing();
  });

  it('of a volume that is not attached makes it available', () => {
    const detach = { type: 'DetachVolume', attachmentId: null } as const;
    given(...inStatus('error'))
      .when(detach)
      .then(detached([], 'available'));
    given(...available(), reset({ attachStatus: 'attached' }))
      .when(detach)
      .then(detached([], 'available'));
    given(...available())
      .when(detach)
      .thenNothing();
  });

  it.each(OPERATION_STATUSES.filter((status) => status !== 'maintenance'))(
    'leaves %s to the operation that gave it',
    (status) => {
      given(...inStatus(status))
        .when({ type: 'DetachVolume', attachmentId: null })
        .thenNothing();
      given(...available(), attached(), statusReset(status))
        .when({ type: 'DetachVolume', attachmentId: 'a1' })
        .then(detached(['a1'], status));
    },
  );

  it('does not make a volume available that is nowhere, on offer, or moving', () => {
    const detach = { type: 'DetachVolume', attachmentId: null } as const;
    given(...neverPlaced)
      .when(detach)
      .thenNothing();
    given(...available(), offered())
      .when(detach)
      .thenNothing();
    const moving = [...available(), attached(), reset({ migrationStatus: 'migrating' })];
    given(...moving)
      .when(detach)
      .then(detached(['a1'], 'in-use'));
    for (const migrationStatus of ['success', 'error']) {
      given(...available(), attached(), reset({ migrationStatus }))
        .when(detach)
        .then(detached(['a1'], 'available'));
    }
  });
});
