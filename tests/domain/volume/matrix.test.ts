import { describe, expect, it } from 'vitest';
import type { RejectionCode } from '../../../src/domain/kernel/rejection.ts';
import type { VolumeCommand } from '../../../src/domain/volume/commands.ts';
import type { VolumeEvent } from '../../../src/domain/volume/events.ts';
import {
  SNAPSHOT_STATUSES,
  type SnapshotStatus,
  VOLUME_STATUSES,
  type VolumeStatus,
} from '../../../src/domain/volume/statuses.ts';
import { SNAPSHOT_TRANSITIONS, type Transition, VOLUME_TRANSITIONS } from '../../../src/domain/volume/transitions.ts';
import {
  acceptTransfer,
  attached,
  attachVolume,
  available,
  createSnapshot,
  createTransfer,
  creationRequested,
  deleteSnapshot,
  deleteVolume,
  extendVolume,
  given,
  inStatus,
  liveOf,
  neverPlaced,
  offered,
  revertRequested,
  snapshot,
  snapshotDeletionRequested,
  snapshotOf,
  snapshotRequested,
  snapshotReset,
  statusReset,
} from './volumes.ts';

/** How one command meets the statuses: what must be there for nothing but the status to decide. */
interface Scenario {
  readonly command: VolumeCommand;
  readonly code: RejectionCode;
  readonly history: (status: VolumeStatus) => VolumeEvent[];
  /** The same where the further condition of `alsoFrom` holds. */
  readonly holding?: { readonly command: VolumeCommand; readonly history: (status: VolumeStatus) => VolumeEvent[] };
}

const plain = (status: VolumeStatus): VolumeEvent[] => inStatus(status);
const multiattach = (status: VolumeStatus): VolumeEvent[] => inStatus(status, [], { multiattach: true });

/** Statuses that forget what was there before are set by an administrator. */
const after =
  (...before: VolumeEvent[]) =>
  (status: VolumeStatus): VolumeEvent[] => [...available(), ...before, statusReset(status)];

const metadata = { history: plain, code: 'InvalidVolume' } as const;
const simple = (command: VolumeCommand): Scenario => ({ command, history: plain, code: 'InvalidVolume' });

const VOLUME_SCENARIOS: Record<keyof typeof VOLUME_TRANSITIONS, Scenario> = {
  CreateVolume: {
    command: { type: 'CreateVolume', request: { ...creationRequested().data, operationId: 'new-op' } },
    history: plain,
    code: 'Conflict',
  },
  DeleteVolume: {
    ...simple(deleteVolume()),
    history: after(),
    holding: { command: deleteVolume(), history: (status) => [...neverPlaced, statusReset(status)] },
  },
  ForceDeleteVolume: { ...simple(deleteVolume({ force: true })), history: after() },
  ExtendVolume: {
    ...simple(extendVolume()),
    holding: { command: extendVolume({ attachedAllowed: true }), history: plain },
  },
  RevertToSnapshot: {
    command: { type: 'RevertToSnapshot', operationId: 'new-op', snapshotId: 's1' },
    history: after(...snapshot('s1')),
    code: 'Conflict',
  },
  ResetVolumeStatus: simple({ type: 'ResetVolumeStatus', status: 'error' }),
  UpdateVolume: simple({ type: 'UpdateVolume', name: 'renamed' }),
  SetBootable: simple({ type: 'SetBootable', bootable: true }),
  SetVolumeMetadata: { ...metadata, command: { type: 'SetVolumeMetadata', metadata: { a: 'b' }, replace: false } },
  DeleteVolumeMetadata: {
    ...metadata,
    command: { type: 'DeleteVolumeMetadata', key: 'a' },
    history: (status) => inStatus(status, [], { metadata: { a: 'b' } }),
  },
  SetImageMetadata: { ...metadata, command: { type: 'SetImageMetadata', metadata: { a: 'b' } } },
  UnsetImageMetadata: {
    ...metadata,
    command: { type: 'UnsetImageMetadata', key: 'a' },
    history: (status) => inStatus(status, [], { imageMetadata: { a: 'b' } }),
  },
  SetReadonly: simple({ type: 'SetReadonly', readonly: true }),
  ReserveVolume: {
    ...simple({ type: 'ReserveVolume' }),
    holding: { command: { type: 'ReserveVolume' }, history: multiattach },
  },
  UnreserveVolume: simple({ type: 'UnreserveVolume' }),
  AttachVolume: { ...simple(attachVolume()), history: multiattach },
  BeginDetaching: { ...simple({ type: 'BeginDetaching' }), history: after(attached()) },
  RollDetaching: simple({ type: 'RollDetaching' }),
  DetachVolume: { ...simple({ type: 'DetachVolume', attachmentId: 'a1' }), history: after(attached()) },
  CreateSnapshot: {
    ...simple(createSnapshot()),
    holding: { command: createSnapshot({ inUseAllowed: true }), history: plain },
  },
  CreateTransfer: { ...simple(createTransfer()), history: after() },
  AcceptTransfer: { ...simple(acceptTransfer()), history: after(offered()) },
  DeleteTransfer: { ...simple({ type: 'DeleteTransfer', transferId: 't1' }), history: after(offered()) },
  PinVolume: {
    ...simple({ type: 'PinVolume', operationId: 'reader-op', readerVolumeId: 'reader', snapshotId: null }),
    history: after(),
  },
};

/** Where an allowed command may leave the volume: its operation's status, or where it ends at once. */
function expectedStatuses(of: Transition<string>, before: string): readonly string[] {
  if (of.during !== null) {
    return before === 'error_managing' && of.during === 'deleting' ? ['error_managing_deleting'] : [of.during];
  }
  return of.succeeds.flatMap((status) =>
    status === 'unchanged' ? [before] : status === 'as asked' ? ['error'] : [status],
  );
}

describe.each(Object.entries(VOLUME_SCENARIOS))('%s', (name, scenario) => {
  const rule: Transition<VolumeStatus> = VOLUME_TRANSITIONS[name as keyof typeof VOLUME_TRANSITIONS];

  it.each(VOLUME_STATUSES)('on a volume that is %s', (status) => {
    const before = given(...scenario.history(status));
    expect(liveOf(before.state).status).toBe(status);
    const then = before.when(scenario.command);
    if (rule.from.includes(status)) {
      then.thenState((state) => expect(expectedStatuses(rule, status)).toContain(liveOf(state).status));
      expect(then.decision).not.toEqual({ kind: 'accepted', events: [] });
    } else if (rule.otherwise === 'nothing happens') then.thenNothing();
    else then.thenRejected(scenario.code);
  });

  const { holding } = scenario;
  const conditional = rule.alsoFrom.map(({ status }) => status);
  if (holding === undefined)
    it('has no status that counts only when something else holds', () => expect(conditional).toEqual([]));
  else {
    it.each(VOLUME_STATUSES)('on a volume that is %s, where the further condition holds', (status) => {
      expect(conditional).not.toEqual([]);
      const then = given(...holding.history(status)).when(holding.command);
      if (rule.from.includes(status) || conditional.includes(status)) {
        then.thenState((state) => expect(expectedStatuses(rule, status)).toContain(liveOf(state).status));
      } else then.thenRejected(scenario.code);
    });
  }
});

/** What leads a snapshot `s1` to each status. */
function snapshotIn(status: SnapshotStatus): VolumeEvent[] {
  switch (status) {
    case 'creating':
      return [...available(), snapshotRequested('s1')];
    case 'deleting':
      return [...available(), ...snapshot('s1'), snapshotDeletionRequested('s1')];
    case 'restoring':
      return [...available(), ...snapshot('s1'), revertRequested('s1')];
    case 'available':
      return [...available(), ...snapshot('s1')];
    default:
      return [...available(), ...snapshot('s1'), snapshotReset('s1', status)];
  }
}

interface SnapshotScenario {
  readonly command: VolumeCommand;
  readonly code: RejectionCode;
  /** Before the command, where the snapshot alone is not enough. */
  readonly before?: readonly VolumeEvent[];
  /** The status it has afterwards, where the table says `as asked` or `gone`. */
  readonly asked?: SnapshotStatus;
}

const SNAPSHOT_SCENARIOS: Record<keyof typeof SNAPSHOT_TRANSITIONS, SnapshotScenario> = {
  DeleteSnapshot: { command: deleteSnapshot(), code: 'InvalidSnapshot' },
  ForceDeleteSnapshot: { command: deleteSnapshot({ force: true }), code: 'InvalidSnapshot' },
  CascadeSnapshot: {
    command: deleteVolume({ cascade: true }),
    code: 'InvalidVolume',
    before: [statusReset('available')],
  },
  RevertToSnapshot: {
    command: { type: 'RevertToSnapshot', operationId: 'new-op', snapshotId: 's1' },
    code: 'Conflict',
    before: [statusReset('available')],
  },
  UpdateSnapshotStatus: {
    command: { type: 'UpdateSnapshotStatus', snapshotId: 's1', status: 'creating', progress: null },
    code: 'InvalidSnapshot',
  },
  ResetSnapshotStatus: {
    command: { type: 'ResetSnapshotStatus', snapshotId: 's1', status: 'error' },
    code: 'InvalidSnapshot',
    asked: 'error',
  },
  TransferSnapshot: { command: createTransfer(), code: 'InvalidSnapshot', before: [statusReset('available')] },
  PinSnapshot: {
    command: { type: 'PinVolume', operationId: 'reader-op', readerVolumeId: 'reader', snapshotId: 's1' },
    code: 'InvalidSnapshot',
  },
};

describe.each(Object.entries(SNAPSHOT_SCENARIOS))('%s', (name, scenario) => {
  const rule: Transition<SnapshotStatus> = SNAPSHOT_TRANSITIONS[name as keyof typeof SNAPSHOT_TRANSITIONS];

  it.each(SNAPSHOT_STATUSES)('on a snapshot that is %s', (status) => {
    const before = given(...snapshotIn(status), ...(scenario.before ?? []));
    expect(snapshotOf(before.state, 's1').status).toBe(status);
    const asksTheStatus = scenario.command.type === 'UpdateSnapshotStatus';
    const then = before.when(asksTheStatus ? ({ ...scenario.command, status } as VolumeCommand) : scenario.command);
    if (!rule.from.includes(status)) {
      then.thenRejected(scenario.code);
      return;
    }
    then.thenState((state) => {
      expect(snapshotOf(state, 's1').status).toBe(rule.during ?? scenario.asked ?? status);
    });
  });
});
