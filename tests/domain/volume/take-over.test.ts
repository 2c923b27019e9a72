import { describe, expect, it } from 'vitest';
import type { VolumeCommand } from '../../../src/domain/volume/commands.ts';
import type { VolumeEvent } from '../../../src/domain/volume/events.ts';
import { RESETTABLE_STATUSES } from '../../../src/domain/volume/transitions.ts';
import {
  attached,
  available,
  creating,
  deleteSnapshot,
  deleteVolume,
  deletionRequested,
  detached,
  extensionRequested,
  given,
  inStatus,
  liveOf,
  outcomesOf,
  reset,
  revertRequested,
  snapshot,
  snapshotDeletionRequested,
  snapshotOf,
  snapshotRequested,
} from './volumes.ts';

const resetTo = (status: string) => ({ type: 'ResetVolumeStatus', status }) as const;
const cascading = [
  ...available(),
  ...snapshot('s1'),
  ...snapshot('s2'),
  deletionRequested({ cascade: true, snapshotIds: ['s1', 's2'] }),
];

describe('an operation that is not the owner', () => {
  const situations: Record<string, VolumeEvent[]> = {
    'a volume being created': creating(),
    'a volume that nothing works on': [...available(), ...snapshot('s1')],
    'a volume being extended': [...available(), ...snapshot('s1'), extensionRequested()],
    'a volume being reverted': inStatus('reverting'),
    'a volume being deleted with its snapshots': cascading,
    'a snapshot being created': [...available(), snapshotRequested('s1')],
    'a snapshot being deleted': [...available(), ...snapshot('s1'), snapshotDeletionRequested('s1')],
  };

  it.each(Object.entries(situations))('reports in vain of %s', (_, history) => {
    for (const outcome of outcomesOf('stale-op'))
      given(...history)
        .when(outcome)
        .thenNothing();
  });

  it('reports in vain what another kind of operation may report', () => {
    const own = ['CompleteVolumeExtension', 'FailVolumeExtension'];
    const others = outcomesOf('extend-op').filter(({ type }) => !own.includes(type));
    const extending = given(...available(), ...snapshot('s1'), extensionRequested());
    for (const outcome of others) extending.when(outcome).thenNothing();
  });
});

describe('force-delete of a volume', () => {
  it.each<[string, VolumeEvent[], string]>([
    ['created', creating(), 'create-op'],
    ['extended', [...available(), extensionRequested()], 'extend-op'],
    ['deleted', [...available(), deletionRequested()], 'delete-op'],
  ])('takes it from the operation by which it is being %s, which then has nothing to say', (_, history, former) => {
    const command = deleteVolume({ force: true });
    const then = given(...history).when(command);
    then.then(deletionRequested({ operationId: 'new-op', force: true, takesOver: [former] }));
    for (const outcome of outcomesOf(former)) {
      given(...history, deletionRequested({ operationId: 'new-op', force: true, takesOver: [former] }))
        .when(outcome)
        .thenNothing();
    }
  });

  it('takes volume and snapshot from a revert at once', () => {
    const then = given(...inStatus('reverting')).when(deleteVolume({ force: true, cascade: true }));
    then.then(
      deletionRequested({
        operationId: 'new-op',
        force: true,
        cascade: true,
        snapshotIds: ['reverted'],
        takesOver: ['revert-op'],
      }),
    );
  });
});

describe('resetting the status of a volume', () => {
  it.each(RESETTABLE_STATUSES.filter((status) => status !== 'in-use'))('to %s', (status) => {
    given(...available())
      .when(resetTo(status))
      .then(reset({ status }));
  });

  it('to in-use needs an attachment that stays', () => {
    given(...available())
      .when(resetTo('in-use'))
      .thenRejected('InvalidInput', 'attachments');
    given(...available(), attached())
      .when(resetTo('in-use'))
      .then(reset({ status: 'in-use' }));
    given(...available(), attached())
      .when({ ...resetTo('in-use'), attachStatus: 'detached' })
      .thenRejected('InvalidInput', 'attachments');
  });

  it.each([
    'deleting',
    'reverting',
    'unmanaging',
    'error_unmanaging',
    'error_managing_deleting',
    'deleted',
    'nonsense',
  ])('to %s is refused', (status) => {
    given(...available())
      .when(resetTo(status))
      .thenRejected('InvalidInput', status);
  });

  it('takes attach_status and migration_status too, in either case', () => {
    given(...available())
      .when({ type: 'ResetVolumeStatus', status: 'Error', attachStatus: 'ATTACHED', migrationStatus: 'Starting' })
      .then(reset({ status: 'error', attachStatus: 'attached', migrationStatus: 'starting' }));
    const then = given(...available(), reset({ migrationStatus: 'error' })).when({
      type: 'ResetVolumeStatus',
      migrationStatus: 'none',
    });
    then.then(reset({ migrationStatus: null }));
    then.thenState((state) => expect(liveOf(state).migrationStatus).toBeNull());
  });

  it('is refused for what neither can be, and for nothing at all', () => {
    given(...available())
      .when({ type: 'ResetVolumeStatus', attachStatus: 'reserved' })
      .thenRejected('InvalidInput', 'attach');
    given(...available())
      .when({ type: 'ResetVolumeStatus', migrationStatus: 'moved' })
      .thenRejected('InvalidInput', 'migration');
    given(...available())
      .when({ type: 'ResetVolumeStatus' })
      .thenRejected('InvalidInput', 'Must specify');
  });

  it('to detached ends the attachments; the status is worked out, unless one is asked for', () => {
    const history = [...available(), attached()];
    const command = { type: 'ResetVolumeStatus', attachStatus: 'detached' } as const;
    const then = given(...history).when(command);
    then.then(detached(['a1'], 'available'), reset({ attachStatus: 'detached' }));
    then.thenState((state) =>
      expect(liveOf(state)).toMatchObject({ status: 'available', attachStatus: 'detached', attachments: {} }),
    );
    given(...history)
      .when({ ...command, status: 'error' })
      .thenState((state) => expect(liveOf(state)).toMatchObject({ status: 'error', attachments: {} }));
    given(...available())
      .when(command)
      .then(reset({ attachStatus: 'detached' }));
  });

  it('leaves the owner alone where no status is asked for', () => {
    given(...available(), extensionRequested())
      .when({ type: 'ResetVolumeStatus', migrationStatus: 'none' })
      .thenState((state) =>
        expect(liveOf(state)).toMatchObject({ status: 'extending', owner: { operationId: 'extend-op' } }),
      );
  });

  it.each<[string, VolumeEvent[], string]>([
    ['created', creating(), 'create-op'],
    ['extended', [...available(), extensionRequested()], 'extend-op'],
    ['deleted', [...available(), deletionRequested()], 'delete-op'],
  ])('takes it from the operation by which it is being %s and gives it to none', (_, history, former) => {
    const then = given(...history).when(resetTo('error'));
    then.then(reset({ status: 'error', takesOver: [former] }));
    then.thenState((state) =>
      expect(liveOf(state)).toMatchObject({ status: 'error', owner: null, previousStatus: null, extendingToGiB: null }),
    );
  });

  it('ends what else a deletion with snapshots owned', () => {
    const then = given(...cascading).when(resetTo('available'));
    then.thenTypes('SnapshotDeletionFailed', 'SnapshotDeletionFailed', 'VolumeStatusReset');
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'available', owner: null });
      for (const id of ['s1', 's2'])
        expect(snapshotOf(state, id)).toMatchObject({ status: 'error_deleting', owner: null });
    });
  });

  it('ends what else a revert owned', () => {
    const then = given(...inStatus('reverting')).when(resetTo('available'));
    then.thenTypes('VolumeRevertFailed', 'VolumeStatusReset');
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'available', owner: null });
      expect(snapshotOf(state, 'reverted')).toMatchObject({ status: 'available', owner: null });
    });
  });
});

describe('taking a snapshot from what works on it', () => {
  const takeovers: readonly [string, VolumeCommand, VolumeEvent['type'], string][] = [
    ['force-delete', deleteSnapshot({ force: true }), 'SnapshotDeletionRequested', 'deleting'],
    [
      'reset-status',
      { type: 'ResetSnapshotStatus', snapshotId: 's1', status: 'available' },
      'SnapshotStatusReset',
      'available',
    ],
  ];

  it.each(takeovers)('by %s ends the deletion of the volume that it was part of', (_, command, last, status) => {
    const then = given(...cascading).when(command);
    then.thenTypes('SnapshotDeletionFailed', 'VolumeDeletionFailed', last);
    const reason = { code: 'TakenOver' };
    const ended = { operationId: 'delete-op', busy: false, reason, status: 'error_deleting' };
    expect(then.decision).toMatchObject({ events: [{ data: { ...ended, snapshotId: 's2' } }, { data: ended }, {}] });
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'error_deleting', owner: null });
      expect(snapshotOf(state, 's2')).toMatchObject({ status: 'error_deleting', owner: null });
      expect(snapshotOf(state, 's1').status).toBe(status);
    });
  });

  it.each(takeovers)('by %s ends the revert that it was part of', (_, command, last, status) => {
    const history = [...available(), ...snapshot('s1'), revertRequested('s1')];
    const then = given(...history).when(command);
    then.thenTypes('VolumeRevertFailed', last);
    then.thenState((state) => {
      expect(liveOf(state)).toMatchObject({ status: 'error', owner: null });
      expect(snapshotOf(state, 's1').status).toBe(status);
    });
  });

  it.each(takeovers)('by %s records whom it was taken from', (_, command, last) => {
    const then = given(...available(), snapshotRequested('s1')).when(command);
    then.thenTypes(last);
    expect(then.decision).toMatchObject({ events: [{ data: { takesOver: ['s1-op'] } }] });
  });
});
