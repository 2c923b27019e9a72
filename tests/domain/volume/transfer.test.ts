import { describe, expect, it } from 'vitest';
import { movedByTransfer } from '../../../src/domain/volume/index.ts';
import {
  acceptTransfer,
  available,
  createTransfer,
  given,
  liveOf,
  offered,
  pinned,
  snapshot,
  snapshotOf,
  snapshotRequested,
  snapshotReset,
  statusReset,
} from './volumes.ts';

const withSnapshots = [...available(), ...snapshot('s1', { sizeGiB: 4 }), ...snapshot('s2', { sizeGiB: 6 })];

describe('offering a volume', () => {
  it('keeps the salted hash of the key, never the key', () => {
    const then = given(...available()).when(createTransfer());
    then.then(offered({ transferId: 't9', name: 'gift' }));
    then.thenState((state) => {
      expect(liveOf(state).status).toBe('awaiting-transfer');
      expect(liveOf(state).transfer).toEqual({
        id: 't9',
        name: 'gift',
        salt: 'salt',
        authKeyHash: 'hash',
        noSnapshots: false,
      });
    });
  });

  it('is refused twice', () => {
    given(...available(), offered(), statusReset('available'))
      .when(createTransfer())
      .thenRejected('InvalidVolume', 't1');
  });

  it('needs every snapshot available, unless they stay', () => {
    const history = [...available(), snapshotRequested('s1')];
    given(...history)
      .when(createTransfer())
      .thenRejected('InvalidSnapshot', 's1', 'creating');
    given(...history)
      .when(createTransfer({ noSnapshots: true }))
      .thenTypes('TransferCreated');
  });

  it('does not ask whether a snapshot of another project is available: it stays', () => {
    const history = [...available(), snapshotRequested('s1', { projectId: 'p0' })];
    given(...history)
      .when(createTransfer())
      .thenTypes('TransferCreated');
  });

  it('is possible while somebody reads the volume', () => {
    given(...available(), pinned(null))
      .when(createTransfer())
      .thenTypes('TransferCreated');
  });
});

describe('accepting a volume', () => {
  it('moves it and its snapshots to the project that was charged for them', () => {
    const charged = { sizeGiB: 10, snapshotsGiB: 10, snapshots: 2 };
    const history = [...withSnapshots, offered()];
    expect(movedByTransfer(liveOf(given(...history).state))).toEqual(charged);
    const then = given(...history).when(acceptTransfer({ charged }));
    then.then({
      type: 'TransferAccepted',
      data: {
        volumeId: 'v1',
        transferId: 't1',
        name: null,
        operationId: 'new-op',
        fromProjectId: 'p1',
        toProjectId: 'p2',
        toUserId: 'u2',
        snapshotIds: ['s1', 's2'],
        sizeGiB: 10,
        snapshotsGiB: 10,
        volumeTypeId: 'type1',
      },
    });
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'available', projectId: 'p2', userId: 'u2', transfer: null });
      for (const id of ['s1', 's2']) expect(snapshotOf(state, id)).toMatchObject({ projectId: 'p2', userId: 'u2' });
    });
  });

  it('leaves the snapshots with the donor where they were left out', () => {
    const history = [...withSnapshots, offered({ noSnapshots: true })];
    given(...history)
      .when(acceptTransfer())
      .thenState((state) => {
        expect(liveOf(state).projectId).toBe('p2');
        expect(snapshotOf(state, 's1').projectId).toBe('p1');
      });
  });

  it('leaves snapshots of a third project where they are', () => {
    const history = [...available(), ...snapshot('s1', { projectId: 'p0' }), ...snapshot('s2'), offered()];
    given(...history)
      .when(acceptTransfer({ charged: { sizeGiB: 10, snapshotsGiB: 10, snapshots: 1 } }))
      .thenState((state) => {
        expect(snapshotOf(state, 's1').projectId).toBe('p0');
        expect(snapshotOf(state, 's2').projectId).toBe('p2');
      });
  });

  it('is possible within the own project, as in the original', () => {
    given(...available(), offered())
      .when(acceptTransfer({ toProjectId: 'p1' }))
      .thenTypes('TransferAccepted');
  });

  it('is refused with a wrong key, and before anything else is looked at', () => {
    const wrong = acceptTransfer({ authKeyHash: 'other' });
    given(...available(), offered())
      .when(wrong)
      .thenRejected('InvalidAuthKey', 't1');
    given(...available(), offered(), statusReset('error'))
      .when(wrong)
      .thenRejected('InvalidAuthKey');
  });

  it('is refused for an unknown transfer', () => {
    given(...available())
      .when(acceptTransfer())
      .thenRejected('TransferNotFound', 't1');
    given(...available(), offered())
      .when(acceptTransfer({ transferId: 't0' }))
      .thenRejected('TransferNotFound', 't0');
  });

  it('is refused when the volume is no longer waiting', () => {
    given(...available(), offered(), statusReset('error'))
      .when(acceptTransfer())
      .thenRejected('InvalidVolume', 'awaiting-transfer');
  });

  it('is refused when a snapshot that would move is not available', () => {
    const history = [...withSnapshots, offered()];
    given(...history, snapshotReset('s2', 'error'))
      .when(acceptTransfer({ charged: { sizeGiB: 10, snapshotsGiB: 10, snapshots: 2 } }))
      .thenRejected('InvalidSnapshot', 's2');
  });

  it.each([
    { sizeGiB: 9, snapshotsGiB: 10, snapshots: 2 },
    { sizeGiB: 10, snapshotsGiB: 11, snapshots: 2 },
    { sizeGiB: 10, snapshotsGiB: 10, snapshots: 1 },
  ])('is refused when what moves is not what was charged: %o', (charged) => {
    given(...withSnapshots, offered())
      .when(acceptTransfer({ charged }))
      .thenRejected('InvalidVolume', 'changed');
  });

  it('moves nothing but the volume where there is no offer to look at', () => {
    expect(movedByTransfer(liveOf(given(...withSnapshots).state))).toEqual({
      sizeGiB: 10,
      snapshotsGiB: 0,
      snapshots: 0,
    });
  });
});

describe('taking an offer back', () => {
  const remove = { type: 'DeleteTransfer', transferId: 't1' } as const;

  it('makes the volume available', () => {
    const then = given(...available(), offered()).when(remove);
    then.then({ type: 'TransferDeleted', data: { volumeId: 'v1', transferId: 't1', status: 'available' } });
    then.thenState((state) => expect(liveOf(state).transfer).toBeNull());
  });

  it('leaves a volume alone that is no longer waiting', () => {
    given(...available(), offered(), statusReset('error'))
      .when(remove)
      .then({ type: 'TransferDeleted', data: { volumeId: 'v1', transferId: 't1', status: 'error' } });
  });

  it('is refused for an unknown transfer', () => {
    given(...available())
      .when(remove)
      .thenRejected('TransferNotFound', 't1');
    given(...available(), offered())
      .when({ ...remove, transferId: 't0' })
      .thenRejected('TransferNotFound', 't0');
  });
});
