import { describe, expect, it } from 'vitest';
import {
  available,
  createSnapshot,
  deleted,
  deleteSnapshot,
  deletionRequested,
  FAILURE,
  given,
  inStatus,
  liveOf,
  neverPlaced,
  pinned,
  reset,
  snapshot,
  snapshotCreated,
  snapshotDeletionRequested,
  snapshotOf,
  snapshotRequested,
  snapshotReset,
  statusReset,
} from './volumes.ts';

describe('creating a snapshot', () => {
  it('records what it is a snapshot of; the volume stays as it is', () => {
    const then = given(...available()).when(createSnapshot());
    then.then(snapshotRequested('s9', { operationId: 'new-op', name: 'nightly', metadata: { by: 'cron' } }));
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'available', owner: null });
      expect(snapshotOf(state, 's9')).toMatchObject({ status: 'creating', sizeGiB: 10, ordinal: 1, backendName: null });
      expect(snapshotOf(state, 's9').owner).toEqual({ operationId: 'new-op', kind: 'create-snapshot' });
    });
  });

  it('charges the project of the caller, not the owner of the volume', () => {
    given(...available())
      .when(createSnapshot({ projectId: 'admins', userId: 'root' }))
      .thenState((state) => expect(snapshotOf(state, 's9')).toMatchObject({ projectId: 'admins', userId: 'root' }));
  });

  it('is refused on a frozen backend', () => {
    given(...available())
      .when(createSnapshot({ backendFrozen: true }))
      .thenRejected('InvalidInput', 'frozen');
  });

  it('is refused for a volume that was never placed', () => {
    given(...neverPlaced, statusReset('available'))
      .when(createSnapshot())
      .thenRejected('InvalidVolume', 'scheduled');
  });

  it('is refused while the volume is migrating', () => {
    given(...available(), reset({ migrationStatus: 'starting' }))
      .when(createSnapshot())
      .thenRejected('InvalidVolume', 'migrating');
  });

  it('names the statuses that would do', () => {
    given(...inStatus('error'))
      .when(createSnapshot())
      .thenRejected('InvalidVolume', 'must be available, but');
    const inUseToo = createSnapshot({ inUseAllowed: true });
    given(...inStatus('error'))
      .when(inUseToo)
      .thenRejected('InvalidVolume', 'must be available or in-use, but');
  });

  it('ends with the snapshot available, at 100 %', () => {
    const outcome = { snapshotId: 's1', operationId: 's1-op', backendName: 'snapshot-s1', providerId: null };
    const then = given(...available(), snapshotRequested('s1')).when({ type: 'CompleteSnapshotCreation', outcome });
    then.then(snapshotCreated('s1'));
    then.thenState((state) =>
      expect(snapshotOf(state, 's1')).toMatchObject({
        status: 'available',
        progress: '100%',
        backendName: 'snapshot-s1',
        owner: null,
      }),
    );
  });

  it('that fails leaves the snapshot in error', () => {
    const failure = { type: 'FailSnapshotCreation', snapshotId: 's1', operationId: 's1-op', reason: FAILURE } as const;
    const then = given(...available(), snapshotRequested('s1')).when(failure);
    then.thenTypes('SnapshotCreationFailed');
    then.thenState((state) => expect(snapshotOf(state, 's1')).toMatchObject({ status: 'error', owner: null }));
  });

  it('numbers snapshots for ever, so that a newer one is always newer', () => {
    const gone = {
      type: 'SnapshotDeleted',
      data: {
        volumeId: 'v1',
        snapshotId: 's1',
        operationId: 'delete-snapshot-op',
        projectId: 'p1',
        sizeGiB: 10,
        volumeTypeId: 'type1',
        backendName: 'snapshot-s1',
      },
    } as const;
    given(...available(), ...snapshot('s1'), snapshotDeletionRequested('s1'), gone)
      .when(createSnapshot())
      .thenState((state) => expect(snapshotOf(state, 's9').ordinal).toBe(2));
  });
});

describe('deleting a snapshot', () => {
  const history = [...available(), ...snapshot('s1')];

  it('gives it to the operation that deletes it', () => {
    const then = given(...history).when(deleteSnapshot({ operationId: 'delete-snapshot-op' }));
    then.then(snapshotDeletionRequested('s1'));
    then.thenState((state) =>
      expect(snapshotOf(state, 's1')).toMatchObject({
        status: 'deleting',
        owner: { operationId: 'delete-snapshot-op', kind: 'delete-snapshot' },
      }),
    );
  });

  it('ends with the snapshot gone, and says what it held', () => {
    const then = given(...history, snapshotDeletionRequested('s1')).when({
      type: 'CompleteSnapshotDeletion',
      snapshotId: 's1',
      operationId: 'delete-snapshot-op',
    });
    then.then({
      type: 'SnapshotDeleted',
      data: {
        volumeId: 'v1',
        snapshotId: 's1',
        operationId: 'delete-snapshot-op',
        projectId: 'p1',
        sizeGiB: 10,
        volumeTypeId: 'type1',
        backendName: 'snapshot-s1',
      },
    });
    then.thenState((state) => expect(liveOf(state).snapshots).toEqual({}));
  });

  it.each([
    [true, 'available'],
    [false, 'error_deleting'],
  ] as const)('that fails (busy: %s) leaves it %s', (busy, status) => {
    const failure = {
      type: 'FailSnapshotDeletion',
      snapshotId: 's1',
      operationId: 'delete-snapshot-op',
      busy,
      reason: FAILURE,
    } as const;
    const then = given(...history, snapshotDeletionRequested('s1')).when(failure);
    then.thenTypes('SnapshotDeletionFailed');
    then.thenState((state) => expect(snapshotOf(state, 's1')).toMatchObject({ status, owner: null }));
  });

  it('is refused for one that is not there', () => {
    given(...available())
      .when(deleteSnapshot())
      .thenRejected('SnapshotNotFound', 's1');
  });

  it('is refused on a frozen backend, also by force', () => {
    for (const force of [false, true]) {
      given(...history)
        .when(deleteSnapshot({ force, backendFrozen: true }))
        .thenRejected('InvalidInput', 'frozen');
    }
  });

  it('is refused while a volume is made from it, also by force', () => {
    given(...history, pinned('s1'))
      .when(deleteSnapshot({ force: true }))
      .thenRejected('InvalidSnapshot', 'volume reader');
    given(...history, ...snapshot('s2'), pinned('s2'))
      .when(deleteSnapshot())
      .thenTypes('SnapshotDeletionRequested');
  });

  it('is refused while an operation works on it, whatever the compute service said of it', () => {
    const told = {
      type: 'SnapshotStatusUpdated',
      data: { volumeId: 'v1', snapshotId: 's1', status: 'available', progress: null },
    } as const;
    given(...available(), snapshotRequested('s1'), told)
      .when(deleteSnapshot())
      .thenRejected('InvalidSnapshot', 's1-op');
  });

  it('by force takes it over', () => {
    given(...available(), snapshotRequested('s1'))
      .when(deleteSnapshot({ force: true }))
      .then({
        type: 'SnapshotDeletionRequested',
        data: {
          volumeId: 'v1',
          snapshotId: 's1',
          operationId: 'new-op',
          projectId: 'p1',
          force: true,
          takesOver: ['s1-op'],
        },
      });
  });

  it('that goes with the volume is completed or failed by the operation that deletes the volume', () => {
    const cascade = [...history, deletionRequested({ cascade: true, snapshotIds: ['s1'] })];
    const outcome = { snapshotId: 's1', operationId: 'delete-op' } as const;
    given(...cascade)
      .when({ type: 'CompleteSnapshotDeletion', ...outcome })
      .thenTypes('SnapshotDeleted');
    given(...cascade)
      .when({ type: 'FailSnapshotDeletion', ...outcome, busy: false, reason: FAILURE })
      .thenTypes('SnapshotDeletionFailed');
  });
});

describe('the status of a snapshot', () => {
  it('is told by the compute service while it is created or deleted', () => {
    const told = { type: 'UpdateSnapshotStatus', snapshotId: 's1', status: 'creating', progress: '40%' } as const;
    const then = given(...available(), snapshotRequested('s1')).when(told);
    then.then({
      type: 'SnapshotStatusUpdated',
      data: { volumeId: 'v1', snapshotId: 's1', status: 'creating', progress: '40%' },
    });
    then.thenState((state) => expect(snapshotOf(state, 's1')).toMatchObject({ status: 'creating', progress: '40%' }));
    given(...available(), ...snapshot('s1'), snapshotDeletionRequested('s1'))
      .when({ ...told, status: 'error_deleting', progress: null })
      .thenState((state) =>
        expect(snapshotOf(state, 's1')).toMatchObject({ status: 'error_deleting', progress: '100%' }),
      );
  });

  it('cannot be told to be what does not follow', () => {
    const told = { type: 'UpdateSnapshotStatus', snapshotId: 's1', status: 'deleting', progress: null } as const;
    given(...available(), snapshotRequested('s1'))
      .when(told)
      .thenRejected('InvalidSnapshot', 'deleting', 'creating');
    given(...available(), ...snapshot('s1'))
      .when(told)
      .thenRejected('InvalidSnapshot', 'available not allowed');
    given(...available())
      .when(told)
      .thenRejected('SnapshotNotFound', 's1');
  });

  it('is reset by an administrator to any that it can have, in either case', () => {
    const then = given(...available(), ...snapshot('s1')).when({
      type: 'ResetSnapshotStatus',
      snapshotId: 's1',
      status: 'ERROR',
    });
    then.then(snapshotReset('s1', 'error'));
  });

  it.each(['deleted', 'in-use'])('cannot be reset to %s', (status) => {
    const command = { type: 'ResetSnapshotStatus', snapshotId: 's1', status } as const;
    given(...available(), ...snapshot('s1'))
      .when(command)
      .thenRejected('InvalidInput', status);
  });

  it('cannot be reset where there is no snapshot', () => {
    const command = { type: 'ResetSnapshotStatus', snapshotId: 's1', status: 'error' } as const;
    given(...available())
      .when(command)
      .thenRejected('SnapshotNotFound', 's1');
  });
});

describe('what reads the volume', () => {
  const pin = (snapshotId: string | null) =>
    ({ type: 'PinVolume', operationId: 'reader-op', readerVolumeId: 'reader', snapshotId }) as const;

  it('pins it, or one of its snapshots, once', () => {
    given(...available())
      .when(pin(null))
      .then(pinned(null));
    given(...available(), ...snapshot('s1'))
      .when(pin('s1'))
      .then(pinned('s1'));
    given(...available(), pinned(null))
      .when(pin(null))
      .thenNothing();
  });

  it('cannot pin what is not there, or was never built', () => {
    given(...available())
      .when(pin('s1'))
      .thenRejected('SnapshotNotFound', 's1');
    const unbuilt = [...available(), snapshotRequested('s1'), snapshotReset('s1', 'available')];
    given(...unbuilt)
      .when(pin('s1'))
      .thenRejected('InvalidSnapshot', 's1');
    given(...neverPlaced, statusReset('available'))
      .when(pin(null))
      .thenRejected('InvalidVolume', 'v1');
    given(...available(), deletionRequested(), deleted)
      .when(pin(null))
      .thenRejected('VolumeNotFound', 'v1');
  });

  it('lets go of it when it is done', () => {
    const unpin = { type: 'UnpinVolume', operationId: 'reader-op' } as const;
    const then = given(...available(), pinned(null)).when(unpin);
    then.then({ type: 'VolumeUnpinned', data: { volumeId: 'v1', operationId: 'reader-op' } });
    then.thenState((state) => expect(liveOf(state).pins).toEqual({}));
    given(...available())
      .when(unpin)
      .thenNothing();
  });

  it('leaves a mark when a pin is undone that is not there: it may be on its way', () => {
    given(...available())
      .when({ type: 'UnpinVolume', operationId: 'reader-op', isUndo: true })
      .then({ type: 'VolumeUnpinned', data: { volumeId: 'v1', operationId: 'reader-op' } });
  });
});
