import { describe, expect, it } from 'vitest';
import {
  available,
  FAILURE,
  given,
  inStatus,
  liveOf,
  pinned,
  revertRequested,
  snapshot,
  snapshotOf,
  snapshotRequested,
  snapshotReset,
} from './volumes.ts';

const revert = (snapshotId: string) => ({ type: 'RevertToSnapshot', operationId: 'revert-op', snapshotId }) as const;

describe('reverting to a snapshot', () => {
  it('takes the newest, and gives both to one operation', () => {
    const then = given(...available(), ...snapshot('s1'), ...snapshot('s2')).when(revert('s2'));
    then.then(revertRequested('s2'));
    then.thenState((state) => {
      const owner = { operationId: 'revert-op', kind: 'revert' };
      expect(liveOf(state)).toMatchObject({ status: 'reverting', owner });
      expect(snapshotOf(state, 's2')).toMatchObject({ status: 'restoring', owner });
    });
  });

  it('is refused for any but the newest', () => {
    given(...available())
      .when(revert('s1'))
      .thenRejected('InvalidSnapshot', "doesn't have any snapshots");
    given(...available(), ...snapshot('s1'), ...snapshot('s2'))
      .when(revert('s1'))
      .thenRejected('InvalidSnapshot', 'not the latest');
  });

  it('is refused where the sizes differ', () => {
    given(...available(), ...snapshot('s1', { sizeGiB: 5 }))
      .when(revert('s1'))
      .thenRejected('InvalidSnapshot', 'size');
  });

  it('conflicts with a volume that is not available', () => {
    given(...inStatus('in-use', snapshot('s1')))
      .when(revert('s1'))
      .thenRejected('Conflict', "Volume's status must be 'available'");
  });

  it('conflicts with a snapshot that is not available, or never was built', () => {
    given(...available(), snapshotRequested('s1'))
      .when(revert('s1'))
      .thenRejected('Conflict', "Snapshot's status");
    const unbuilt = [...available(), snapshotRequested('s1'), snapshotReset('s1', 'available')];
    given(...unbuilt)
      .when(revert('s1'))
      .thenRejected('Conflict', "Snapshot's status");
  });

  it('conflicts with a clone that reads the volume, not with one that reads the snapshot', () => {
    given(...available(), ...snapshot('s1'), pinned(null))
      .when(revert('s1'))
      .thenRejected('Conflict', 'Volume reader');
    given(...available(), ...snapshot('s1'), pinned('s1'))
      .when(revert('s1'))
      .thenTypes('VolumeRevertRequested');
  });

  it('ends with both available', () => {
    const then = given(...inStatus('reverting')).when({ type: 'CompleteRevert', operationId: 'revert-op' });
    then.thenTypes('VolumeReverted');
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'available', owner: null });
      expect(snapshotOf(state, 'reverted')).toMatchObject({ status: 'available', owner: null });
    });
  });

  it('that fails leaves the volume in error and the snapshot available', () => {
    const then = given(...inStatus('reverting')).when({
      type: 'FailRevert',
      operationId: 'revert-op',
      reason: FAILURE,
    });
    then.thenTypes('VolumeRevertFailed');
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'error', owner: null });
      expect(snapshotOf(state, 'reverted')).toMatchObject({ status: 'available', owner: null });
    });
  });
});
