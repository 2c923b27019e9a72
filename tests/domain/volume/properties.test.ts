import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VolumeCommand } from '../../../src/domain/volume/commands.ts';
import { type VolumeEvent, volumeEvents } from '../../../src/domain/volume/events.ts';
import { snapshotsOf, volumeDecider } from '../../../src/domain/volume/index.ts';
import { initialVolume, type LiveVolume, type Owner, type Volume } from '../../../src/domain/volume/state.ts';
import { SNAPSHOT_STATUSES, VOLUME_STATUSES, type VolumeStatus } from '../../../src/domain/volume/statuses.ts';
import { available, BUILT, creationRequested, FAILURE, given, outcomesOf, snapshot } from './volumes.ts';

type Of<Type extends VolumeCommand['type']> = Extract<VolumeCommand, { type: Type }>;

const operationId = fc.constantFrom('create-op', 'op1', 'op2', 'op3', 'op4', 'op5');
const snapshotId = fc.constantFrom('s1', 's2');
const projectId = fc.constantFrom('p1', 'p2');
const flag = fc.boolean();
const metadata = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2'), { maxKeys: 2 });
const description = fc.option(fc.constantFrom('x', 'y'), { nil: null });
const status = fc.constantFrom(...VOLUME_STATUSES, 'nonsense');
const reason = fc.constant(FAILURE);
const key = fc.constantFrom('a', 'z');

/** One arbitrary for each command: a new command does not compile until it is tested here. */
const COMMANDS: { readonly [Type in VolumeCommand['type']]: fc.Arbitrary<Omit<Of<Type>, 'type'>> } = {
  CreateVolume: fc.record({
    request: fc.record({ operationId, multiattach: flag }).map((data) => creationRequested(data).data),
  }),
  DeleteVolume: fc.record({
    operationId,
    cascade: flag,
    force: flag,
    backendFrozen: fc.constant(false),
    callerProjectId: projectId,
    callerIsAdmin: flag,
  }),
  ExtendVolume: fc.record({
    operationId,
    newSizeGiB: fc.integer({ min: 5, max: 40 }),
    attachedAllowed: flag,
    maxSizeGiB: fc.constantFrom(null, 30),
  }),
  RevertToSnapshot: fc.record({ operationId, snapshotId }),
  ResetVolumeStatus: fc.record(
    {
      status,
      attachStatus: fc.constantFrom('attached', 'detached'),
      migrationStatus: fc.constantFrom('none', 'migrating', 'success'),
    },
    { requiredKeys: [] },
  ),
  LapseRequest: fc.record({ operationId }),
  CompleteVolumeCreation: fc.record({ outcome: fc.record({ operationId }).map((id) => ({ ...BUILT, ...id })) }),
  FailVolumeCreation: fc.record({ operationId, reason }),
  CompleteVolumeDeletion: fc.record({ operationId }),
  FailVolumeDeletion: fc.record({ operationId, busy: flag, reason }),
  CompleteVolumeExtension: fc.record({ operationId }),
  FailVolumeExtension: fc.record({ operationId, refused: flag, reason }),
  CompleteRevert: fc.record({ operationId }),
  FailRevert: fc.record({ operationId, reason }),
  PinVolume: fc.record({
    operationId,
    readerVolumeId: fc.constant('reader'),
    snapshotId: fc.option(snapshotId, { nil: null }),
  }),
  UnpinVolume: fc.record({ operationId }),
  UpdateVolume: fc.record({ name: description, description, metadata }, { requiredKeys: [] }),
  SetVolumeMetadata: fc.record({ metadata, replace: flag }),
  DeleteVolumeMetadata: fc.record({ key }),
  SetImageMetadata: fc.record({ metadata }),
  UnsetImageMetadata: fc.record({ key }),
  SetBootable: fc.record({ bootable: flag }),
  SetReadonly: fc.record({ readonly: flag }),
  ReserveVolume: fc.constant({}),
  UnreserveVolume: fc.constant({}),
  AttachVolume: fc.record({
    attachmentId: fc.constantFrom('a1', 'a2'),
    instanceId: fc.constantFrom(null, 'i1', 'i2'),
    hostName: fc.constantFrom('node1', 'node2'),
    mountpoint: fc.constant('/dev/vdb'),
    mode: fc.constantFrom('rw', 'ro'),
  }),
  BeginDetaching: fc.constant({}),
  RollDetaching: fc.constant({}),
  DetachVolume: fc.record({ attachmentId: fc.constantFrom(null, 'a1', 'a2') }),
  CreateSnapshot: fc.record({
    operationId,
    snapshotId,
    projectId,
    userId: fc.constant('u1'),
    name: description,
    description,
    metadata,
    inUseAllowed: flag,
    backendFrozen: fc.constant(false),
  }),
  CompleteSnapshotCreation: fc.record({
    outcome: fc.record({
      snapshotId,
      operationId,
      backendName: fc.constant('snapshot'),
      providerId: fc.constant(null),
    }),
  }),
  FailSnapshotCreation: fc.record({ snapshotId, operationId, reason }),
  DeleteSnapshot: fc.record({ snapshotId, operationId, force: flag, backendFrozen: fc.constant(false) }),
  CompleteSnapshotDeletion: fc.record({ snapshotId, operationId }),
  FailSnapshotDeletion: fc.record({ snapshotId, operationId, busy: flag, reason }),
  UpdateSnapshot: fc.record({ snapshotId, name: description, description }),
  SetSnapshotMetadata: fc.record({ snapshotId, metadata, replace: flag }),
  DeleteSnapshotMetadata: fc.record({ snapshotId, key }),
  ResetSnapshotStatus: fc.record({ snapshotId, status: fc.constantFrom(...SNAPSHOT_STATUSES, 'deleted') }),
  UpdateSnapshotStatus: fc.record({
    snapshotId,
    status: fc.constantFrom(...SNAPSHOT_STATUSES),
    progress: fc.constantFrom(null, '50%'),
  }),
  CreateTransfer: fc.record({
    transferId: fc.constantFrom('t1', 't2'),
    name: description,
    salt: fc.constant('salt'),
    authKeyHash: fc.constant('hash'),
    noSnapshots: flag,
  }),
  AcceptTransfer: fc.record({
    transferId: fc.constantFrom('t1', 't2'),
    operationId,
    authKeyHash: fc.constantFrom('hash', 'hash', 'wrong'),
    toProjectId: projectId,
    toUserId: fc.constant('u2'),
    charged: fc.constantFrom(
      { sizeGiB: 10, snapshotsGiB: 0, snapshots: 0 },
      { sizeGiB: 10, snapshotsGiB: 10, snapshots: 1 },
    ),
  }),
  DeleteTransfer: fc.record({ transferId: fc.constantFrom('t1', 't2') }),
};

const anyCommand: fc.Arbitrary<VolumeCommand> = fc.oneof(
  ...Object.entries(COMMANDS).map(([type, rest]) => (rest as fc.Arbitrary<object>).map((data) => ({ type, ...data }))),
) as fc.Arbitrary<VolumeCommand>;

/** Decides each command on what the ones before left; hands every step to `look`. */
function run(
  from: Volume,
  commands: readonly VolumeCommand[],
  look: (step: { before: Volume; command: VolumeCommand; events: readonly VolumeEvent[]; after: Volume }) => void,
): Volume {
  return commands.reduce((before, command) => {
    const decision = volumeDecider.decide(command, before, 0);
    const events = decision.kind === 'accepted' ? decision.events : [];
    const after = events.reduce(volumeDecider.evolve, before);
    look({ before, command, events, after });
    return after;
  }, from);
}

const start = given(...available({ multiattach: true }), ...snapshot('s1')).state;
const anyStart = fc.constantFrom(initialVolume, given(...available()).state, start);
const anyCommands = fc.array(anyCommand, { maxLength: 60, size: 'max' });
const RUNS = { numRuns: 400 };

/** The status that an owner's operation holds the volume in. */
const STATUS_OF_OWNER: Partial<Record<Owner['kind'], readonly VolumeStatus[]>> = {
  create: ['creating'],
  delete: ['deleting', 'error_managing_deleting'],
  extend: ['extending'],
  revert: ['reverting'],
};

function checkInvariants(volume: LiveVolume): void {
  expect(VOLUME_STATUSES).toContain(volume.status);
  for (const { status: snapshotStatus, owner } of snapshotsOf(volume)) {
    expect(SNAPSHOT_STATUSES).toContain(snapshotStatus);
    // what goes with the volume, or is reverted to, belongs to the operation that owns the volume
    if (owner?.kind === 'delete' || owner?.kind === 'revert') expect(volume.owner).toEqual(owner);
  }
  if (volume.owner !== null) expect(STATUS_OF_OWNER[volume.owner.kind]).toContain(volume.status);
  if (volume.deleted) {
    expect(volume).toMatchObject({ snapshots: {}, attachments: {}, pins: {}, transfer: null, owner: null });
  }
}

describe('whatever is asked of a volume, in whatever order', () => {
  it('nothing throws, every event is well formed, and every status is one that is known', () => {
    fc.assert(
      fc.property(anyStart, anyCommands, (from, commands) => {
        run(from, commands, ({ events, after }) => {
          for (const event of events) expect(volumeEvents.encode(event)).toEqual(event);
          if (after.volume !== null) checkInvariants(after.volume);
        });
      }),
      RUNS,
    );
  });

  it('an outcome changes something only when its operation is the owner', () => {
    fc.assert(
      fc.property(anyStart, anyCommands, (from, commands) => {
        run(from, commands, ({ before, command, events }) => {
          if (!/^(Complete|Fail)/.test(command.type) || events.length === 0) return;
          const reporter =
            'outcome' in command ? command.outcome.operationId : 'operationId' in command && command.operationId;
          const { volume } = before;
          const owners = volume === null ? [] : [volume, ...snapshotsOf(volume)].map(({ owner }) => owner?.operationId);
          expect(owners).toContain(reporter);
        });
      }),
      RUNS,
    );
  });

  it('an operation that was taken over owns nothing, and nothing that it reports counts', () => {
    fc.assert(
      fc.property(anyCommands, (commands) => {
        run(start, commands, ({ events, after }) => {
          for (const { data } of events) {
            if (!('takesOver' in data)) continue;
            for (const former of data.takesOver) {
              for (const outcome of outcomesOf(former)) {
                if (outcome.type === 'UnpinVolume') continue;
                expect(volumeDecider.decide(outcome, after, 0)).toEqual({ kind: 'accepted', events: [] });
              }
            }
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  it('a lapsed request never lands, and one that landed never lapses', () => {
    fc.assert(
      fc.property(anyStart, anyCommands, (from, commands) => {
        const requested = new Set<string>();
        const lapsed = new Set<string>();
        run(from, commands, ({ events }) => {
          for (const event of events) {
            if (event.type === 'RequestLapsed') lapsed.add(event.data.operationId);
            else if (/Requested$|^TransferAccepted$/.test(event.type) && 'operationId' in event.data) {
              requested.add(event.data.operationId);
            }
          }
        });
        expect([...requested].filter((id) => lapsed.has(id))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('an operation is requested once', () => {
    fc.assert(
      fc.property(anyStart, anyCommands, (from, commands) => {
        const requested: string[] = [];
        run(from, commands, ({ events }) => {
          for (const { type, data } of events) {
            if (/Requested$|^TransferAccepted$/.test(type) && 'operationId' in data) requested.push(data.operationId);
          }
        });
        expect(requested).toEqual([...new Set(requested)]);
      }),
      RUNS,
    );
  });

  it('what somebody reads stays', () => {
    fc.assert(
      fc.property(anyStart, anyCommands, (from, commands) => {
        run(from, commands, ({ before, events, after }) => {
          for (const { snapshotId: read } of Object.values(before.volume?.pins ?? {})) {
            if (events.some(({ type }) => type === 'VolumeUnpinned')) continue;
            expect(after.volume?.deleted).toBe(false);
            if (read !== null) expect(after.volume?.snapshots).toHaveProperty(read);
          }
        });
      }),
      RUNS,
    );
  });
});
