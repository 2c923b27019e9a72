import { describe, expect, it } from 'vitest';
import { initialVolume } from '../../../src/domain/volume/state.ts';
import { ERROR_STATUSES } from '../../../src/domain/volume/transitions.ts';
import {
  attached,
  available,
  BUILT,
  created,
  creating,
  creationRequested,
  deleted,
  deleteVolume,
  deletionRequested,
  FAILURE,
  given,
  inStatus,
  liveOf,
  neverPlaced,
  offered,
  POOL,
  pinned,
  reset,
  snapshot,
  snapshotOf,
  snapshotRequested,
  snapshotReset,
  statusReset,
} from './volumes.ts';

describe('creating a volume', () => {
  it('is asked for on an empty stream, and its operation owns it', () => {
    const then = given().when({ type: 'CreateVolume', request: creationRequested().data });
    then.then(creationRequested());
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({
        id: 'v1',
        status: 'creating',
        sizeGiB: 10,
        pool: null,
        attachStatus: 'detached',
      });
      expect(liveOf(state).owner).toEqual({ operationId: 'create-op', kind: 'create' });
    });
  });

  it('is done once: the same request again has nothing left to do, whatever became of the volume', () => {
    const again = { type: 'CreateVolume', request: creationRequested().data } as const;
    given(...creating())
      .when(again)
      .thenNothing();
    given(...available())
      .when(again)
      .thenNothing();
    given(...available(), deletionRequested(), deleted)
      .when(again)
      .thenNothing();
  });

  it('is refused where another request made the volume', () => {
    const request = creationRequested({ operationId: 'other-op' }).data;
    given(...available())
      .when({ type: 'CreateVolume', request })
      .thenRejected('Conflict', 'v1');
  });

  it('ends with the volume available where it was placed', () => {
    const then = given(...creating()).when({ type: 'CompleteVolumeCreation', outcome: BUILT });
    then.then(created);
    then.thenState((state) =>
      expect(liveOf(state)).toMatchObject({ status: 'available', pool: POOL, backendName: 'volume-v1', owner: null }),
    );
  });

  it('that fails leaves the volume in error, nowhere', () => {
    const then = given(...creating()).when({ type: 'FailVolumeCreation', operationId: 'create-op', reason: FAILURE });
    then.then({ type: 'VolumeCreationFailed', data: { volumeId: 'v1', operationId: 'create-op', reason: FAILURE } });
    then.thenState((state) => expect(liveOf(state)).toMatchObject({ status: 'error', pool: null, owner: null }));
  });
});

describe('deleting a volume', () => {
  it('gives it to the operation that deletes it', () => {
    const then = given(...available()).when(deleteVolume());
    then.then(deletionRequested({ operationId: 'new-op' }));
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'deleting', previousStatus: 'available' });
      expect(liveOf(state).owner).toEqual({ operationId: 'new-op', kind: 'delete' });
    });
  });

  it('ends with the volume gone, and says what it held', () => {
    const then = given(...available(), deletionRequested()).when({
      type: 'CompleteVolumeDeletion',
      operationId: 'delete-op',
    });
    then.then(deleted);
    then.thenState((state) => expect(liveOf(state)).toMatchObject({ deleted: true, owner: null }));
  });

  it('is refused on a frozen backend, also by force', () => {
    for (const force of [false, true]) {
      given(...available())
        .when(deleteVolume({ backendFrozen: true, force }))
        .thenRejected('InvalidInput', 'frozen');
    }
  });

  it('is refused while attached, also by force', () => {
    const marked = reset({ attachStatus: 'attached' });
    given(...available(), marked)
      .when(deleteVolume())
      .thenRejected('InvalidVolume', 'attached');
    given(...available(), attached())
      .when(deleteVolume({ force: true }))
      .thenRejected('InvalidVolume', 'attached');
  });

  it('is refused while migrating, also by force', () => {
    const migrating = reset({ migrationStatus: 'migrating' });
    for (const force of [false, true]) {
      given(...available(), migrating)
        .when(deleteVolume({ force }))
        .thenRejected('InvalidVolume', 'migrating');
    }
  });

  it('is refused while somebody reads the volume, and says who', () => {
    given(...available(), pinned(null))
      .when(deleteVolume({ force: true }))
      .thenRejected('InvalidVolume', 'volume reader');
  });

  it('is refused with snapshots, unless they go with it', () => {
    const history = [...available(), ...snapshot('s1'), ...snapshot('s2')];
    given(...history)
      .when(deleteVolume())
      .thenRejected('InvalidVolume', 'snapshots', '2');
    given(...history)
      .when(deleteVolume({ force: true }))
      .thenRejected('InvalidVolume', 'snapshots');
    const then = given(...history).when(deleteVolume({ cascade: true }));
    then.then(deletionRequested({ operationId: 'new-op', cascade: true, snapshotIds: ['s1', 's2'] }));
    then.thenState((state) => {
      for (const id of ['s1', 's2']) {
        expect(snapshotOf(state, id)).toMatchObject({
          status: 'deleting',
          owner: { operationId: 'new-op', kind: 'delete' },
        });
      }
    });
  });

  it('is refused with a snapshot that somebody reads, with or without cascade', () => {
    const history = [...available(), ...snapshot('s1'), pinned('s1')];
    given(...history)
      .when(deleteVolume({ cascade: true }))
      .thenRejected('InvalidVolume', 's1', 'volume reader');
    given(...history)
      .when(deleteVolume())
      .thenRejected('InvalidVolume', 'snapshots');
  });

  it('with cascade is refused where a snapshot is still worked on', () => {
    const working = [...available(), snapshotRequested('s1')];
    given(...working)
      .when(deleteVolume({ cascade: true }))
      .thenRejected('InvalidVolume', 's1', 'creating');
    const told = {
      type: 'SnapshotStatusUpdated',
      data: { volumeId: 'v1', snapshotId: 's1', status: 'error', progress: null },
    } as const;
    given(...working, told)
      .when(deleteVolume({ cascade: true }))
      .thenRejected('InvalidVolume', 's1');
  });

  it('with cascade and force takes the snapshots from whatever works on them', () => {
    given(...available(), snapshotRequested('s1'), ...snapshot('s2'))
      .when(deleteVolume({ cascade: true, force: true }))
      .then(
        deletionRequested({
          operationId: 'new-op',
          cascade: true,
          force: true,
          snapshotIds: ['s1', 's2'],
          takesOver: ['s1-op'],
        }),
      );
  });

  it('with cascade spares the snapshots of other projects, unless an administrator asks', () => {
    const history = [...available(), ...snapshot('s1', { projectId: 'p0' })];
    given(...history)
      .when(deleteVolume({ cascade: true }))
      .thenRejected('InvalidVolume', 's1', 'project');
    given(...history)
      .when(deleteVolume({ cascade: true, callerIsAdmin: true }))
      .thenTypes('VolumeDeletionRequested');
  });

  it('takes the snapshots that are left with it when it completes', () => {
    const history = [...available(), ...snapshot('s1'), deletionRequested({ cascade: true, snapshotIds: ['s1'] })];
    const then = given(...history).when({ type: 'CompleteVolumeDeletion', operationId: 'delete-op' });
    then.thenTypes('SnapshotDeleted', 'VolumeDeleted');
    then.thenState((state) => expect(liveOf(state).snapshots).toEqual({}));
  });

  it('ends an open offer', () => {
    given(...available(), offered())
      .when(deleteVolume({ force: true }))
      .then(
        { type: 'TransferDeleted', data: { volumeId: 'v1', transferId: 't1', status: 'available' } },
        deletionRequested({ operationId: 'new-op', force: true }),
      );
    given(...available(), offered(), statusReset('error'))
      .when(deleteVolume())
      .then(
        { type: 'TransferDeleted', data: { volumeId: 'v1', transferId: 't1', status: 'error' } },
        deletionRequested({ operationId: 'new-op' }),
      );
  });

  it('of a volume that was never placed needs none of the conditions', () => {
    const attachedSomehow = reset({ attachStatus: 'attached' });
    given(...neverPlaced, attachedSomehow)
      .when(deleteVolume())
      .thenTypes('VolumeDeletionRequested');
  });

  it('of a volume that is still being created takes force, and a take-over', () => {
    given(...creating())
      .when(deleteVolume())
      .thenRejected('InvalidVolume', 'creating');
    given(...creating())
      .when(deleteVolume({ force: true }))
      .then(deletionRequested({ operationId: 'new-op', force: true, takesOver: ['create-op'] }));
  });

  it('asked for again while it runs is refused; by force it takes over', () => {
    const history = [...available(), deletionRequested()];
    given(...history)
      .when(deleteVolume())
      .thenRejected('InvalidVolume', 'deleting');
    given(...history)
      .when(deleteVolume({ force: true }))
      .then(deletionRequested({ operationId: 'new-op', force: true, takesOver: ['delete-op'] }));
  });

  it('of a volume in error_managing has a status of its own', () => {
    given(...available(), statusReset('error_managing'))
      .when(deleteVolume())
      .then(deletionRequested({ operationId: 'new-op', status: 'error_managing_deleting' }));
  });
});

describe('a deletion that fails', () => {
  const fail = (busy: boolean) =>
    ({ type: 'FailVolumeDeletion', operationId: 'delete-op', busy, reason: FAILURE }) as const;

  it('leaves the volume in error_deleting, with the snapshots that are left', () => {
    const history = [...available(), ...snapshot('s1'), deletionRequested({ cascade: true, snapshotIds: ['s1'] })];
    const then = given(...history).when(fail(false));
    then.thenTypes('SnapshotDeletionFailed', 'VolumeDeletionFailed');
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'error_deleting', owner: null, previousStatus: null });
      expect(snapshotOf(state, 's1')).toMatchObject({ status: 'error_deleting', owner: null });
    });
  });

  it('because the backend is busy leaves everything usable', () => {
    const history = [...available(), ...snapshot('s1'), deletionRequested({ cascade: true, snapshotIds: ['s1'] })];
    given(...history)
      .when(fail(true))
      .thenState((state) => {
        expect(liveOf(state).status).toBe('available');
        expect(snapshotOf(state, 's1').status).toBe('available');
      });
  });

  it.each([true, false])('does not bring back a snapshot that is gone already (busy: %s)', (busy) => {
    const both = deletionRequested({ cascade: true, snapshotIds: ['s1', 's2'] });
    const then = given(...available(), ...snapshot('s1'), ...snapshot('s2'), both).when({
      ...fail(busy),
      goneSnapshotIds: ['s1'],
    });
    then.thenTypes('SnapshotDeleted', 'SnapshotDeletionFailed', 'VolumeDeletionFailed');
    then.thenState((state) => {
      expect(Object.keys(liveOf(state).snapshots)).toEqual(['s2']);
      expect(snapshotOf(state, 's2').status).toBe(busy ? 'available' : 'error_deleting');
    });
  });

  it('leaves a snapshot that was never built in error when busy', () => {
    const history = [
      ...available(),
      snapshotRequested('s1'),
      snapshotReset('s1', 'error'),
      deletionRequested({ cascade: true, snapshotIds: ['s1'] }),
    ];
    given(...history)
      .when(fail(true))
      .thenState((state) => expect(snapshotOf(state, 's1').status).toBe('error'));
  });

  it.each(ERROR_STATUSES.filter((status) => status !== 'error_managing'))(
    'does not make %s better by being busy',
    (status) => {
      const history = [...inStatus(status), deletionRequested({ force: true })];
      given(...history)
        .when(fail(true))
        .thenState((state) => expect(liveOf(state).status).toBe(status));
    },
  );

  it('leads back to what was before the first of two deletions', () => {
    const history = [
      ...available(),
      statusReset('error'),
      deletionRequested({ operationId: 'first' }),
      deletionRequested(),
    ];
    given(...history)
      .when(fail(true))
      .thenState((state) => expect(liveOf(state).status).toBe('error'));
  });

  it('leaves a volume that was never placed in error when busy', () => {
    given(...creating(), deletionRequested({ force: true }))
      .when(fail(true))
      .thenState((state) => expect(liveOf(state).status).toBe('error'));
  });
});

describe('what is not there', () => {
  it('can only be created or lapsed', () => {
    expect(given().state).toEqual(initialVolume);
    given().when({ type: 'ReserveVolume' }).thenRejected('VolumeNotFound');
    given().when({ type: 'CompleteVolumeDeletion', operationId: 'delete-op' }).thenNothing();
  });

  it('is not found once it is deleted, and late outcomes do nothing', () => {
    const gone = given(...available(), deletionRequested(), deleted);
    gone.when(deleteVolume()).thenRejected('VolumeNotFound', 'v1');
    gone.when({ type: 'UpdateVolume', name: 'x' }).thenRejected('VolumeNotFound', 'v1');
    gone.when({ type: 'CompleteVolumeDeletion', operationId: 'delete-op' }).thenNothing();
    gone.when({ type: 'FailVolumeDeletion', operationId: 'delete-op', busy: false, reason: FAILURE }).thenNothing();
    gone.when({ type: 'UnpinVolume', operationId: 'reader-op' }).thenNothing();
  });
});
