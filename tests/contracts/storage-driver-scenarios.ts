import { expect } from 'vitest';
import type { CallContext, FoundObject, StorageDriver } from '../../src/drivers/storage/driver.ts';
import {
  type Abilities,
  type BackendUnderTest,
  bytesOf,
  context,
  foundSnapshot,
  foundVolume,
  mark,
  markOf,
  snapshotOf,
  streamOf,
  volumeNamed,
} from './storage-driver-backend.ts';
import { secondPoolOf } from './storage-driver-placement.ts';

/** One call that changes the backend: what it starts from, and what must be there once it was done, however often it broke. */
export interface Scenario {
  readonly name: string;
  readonly needs?: keyof Abilities;
  prepare(backend: BackendUnderTest): Promise<void>;
  call(driver: StorageDriver, context: CallContext, backend: BackendUnderTest): Promise<unknown>;
  objectsAfter(backend: BackendUnderTest): readonly FoundObject[];
  /** More that may be listed on the way there, besides what was there before and is after. */
  objectsBetween?(backend: BackendUnderTest): readonly FoundObject[];
  /** `at`: the context of the owner at the end. */
  checkContent(backend: BackendUnderTest, at: CallContext): Promise<void>;
  /** A stale worker's call may still take effect, since it harms nothing: it only adds. */
  readonly mayEndLate?: boolean;
  /** The call by which an operation takes the effect back; it ends in what was there before. */
  undo?(driver: StorageDriver, context: CallContext, backend: BackendUnderTest): Promise<unknown>;
}

const source = (backend: BackendUnderTest) => volumeNamed(backend, 'source');
const target = (backend: BackendUnderTest, sizeGiB = 1) => volumeNamed(backend, 'target', sizeGiB);
const snapshot = (backend: BackendUnderTest) => snapshotOf(source(backend), 's');

const nothing = async (): Promise<void> => undefined;

const withSource = async (backend: BackendUnderTest): Promise<void> => {
  await backend.driver.createVolume(source(backend), context);
  await mark(backend, source(backend), 'first');
};

const withSnapshot = async (backend: BackendUnderTest): Promise<void> => {
  await withSource(backend);
  await backend.driver.createSnapshot(snapshot(backend), context);
  await mark(backend, source(backend), 'later');
};

const undoTarget: NonNullable<Scenario['undo']> = (driver, at, backend) => driver.deleteVolume(target(backend), at);

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'creating a volume',
    prepare: nothing,
    call: (driver, at, backend) => driver.createVolume(target(backend), at),
    objectsAfter: (backend) => [foundVolume(target(backend))],
    checkContent: async (backend) => expect(await markOf(backend, target(backend))).toBe('.....'),
    undo: undoTarget,
  },
  {
    name: 'cloning a volume',
    prepare: withSource,
    call: (driver, at, backend) => driver.createClonedVolume(target(backend), source(backend), at),
    objectsAfter: (backend) => [foundVolume(source(backend)), foundVolume(target(backend))],
    checkContent: async (backend) => expect(await markOf(backend, target(backend))).toBe('first'),
    undo: undoTarget,
  },
  {
    name: 'making a larger volume from a snapshot',
    prepare: withSnapshot,
    call: (driver, at, backend) => driver.createVolumeFromSnapshot(target(backend, 2), snapshot(backend), at),
    objectsAfter: (backend) => [
      foundVolume(source(backend)),
      foundVolume(target(backend, 2)),
      foundSnapshot(snapshot(backend)),
    ],
    checkContent: async (backend) => expect(await markOf(backend, target(backend, 2))).toBe('first'),
    undo: undoTarget,
  },
  {
    name: 'deleting a volume',
    prepare: withSource,
    call: (driver, at, backend) => driver.deleteVolume(source(backend), at),
    objectsAfter: () => [],
    checkContent: nothing,
  },
  {
    name: 'extending a volume',
    prepare: withSource,
    call: (driver, at, backend) => driver.extendVolume(source(backend), 3, at),
    objectsAfter: (backend) => [foundVolume({ ...source(backend), sizeGiB: 3 })],
    mayEndLate: true,
    checkContent: async (backend) => expect(await markOf(backend, source(backend))).toBe('first'),
  },
  {
    name: 'taking a snapshot',
    prepare: withSource,
    call: (driver, at, backend) => driver.createSnapshot(snapshot(backend), at),
    objectsAfter: (backend) => [foundVolume(source(backend)), foundSnapshot(snapshot(backend))],
    checkContent: async (backend, at) => {
      const made = volumeNamed(backend, 'made-of-it');
      await backend.another().createVolumeFromSnapshot(made, snapshot(backend), at);
      expect(await markOf(backend, made)).toBe('first');
    },
    undo: (driver, at, backend) => driver.deleteSnapshot(snapshot(backend), at),
  },
  {
    name: 'deleting a snapshot',
    prepare: withSnapshot,
    call: (driver, at, backend) => driver.deleteSnapshot(snapshot(backend), at),
    objectsAfter: (backend) => [foundVolume(source(backend))],
    checkContent: async (backend) => expect(await markOf(backend, source(backend))).toBe('later'),
  },
  {
    name: 'reverting to a snapshot',
    needs: 'reverts',
    prepare: withSnapshot,
    call: (driver, at, backend) => driver.revertToSnapshot(source(backend), snapshot(backend), at),
    objectsAfter: (backend) => [foundVolume(source(backend)), foundSnapshot(snapshot(backend))],
    checkContent: async (backend) => expect(await markOf(backend, source(backend))).toBe('first'),
  },
  {
    name: 'writing an image to a volume',
    prepare: withSource,
    call: (driver, at, backend) =>
      driver.copyImageToVolume(
        source(backend),
        streamOf(bytesOf('image'), new Uint8Array(100_000), bytesOf('end')),
        at,
      ),
    objectsAfter: (backend) => [foundVolume(source(backend))],
    checkContent: async (backend) => {
      expect(await markOf(backend, source(backend), 0)).toBe('image');
      expect(await markOf(backend, source(backend), 100_005)).toBe('end..');
      expect(await markOf(backend, source(backend))).toBe('.....');
    },
  },
  {
    name: 'restoring a backup to a volume',
    prepare: withSource,
    call: (driver, at, backend) => driver.restoreBackup(source(backend), streamOf(bytesOf('saved')), at),
    objectsAfter: (backend) => [foundVolume(source(backend))],
    checkContent: async (backend) => expect(await markOf(backend, source(backend), 0)).toBe('saved'),
  },
  {
    name: 'moving a volume to another pool',
    needs: 'moves',
    prepare: withSource,
    call: (driver, at, backend) => driver.migrateVolume(source(backend), secondPoolOf(backend), at),
    objectsAfter: (backend) => [foundVolume({ ...source(backend), pool: secondPoolOf(backend) })],
    checkContent: async (backend) =>
      expect(await markOf(backend, { ...source(backend), pool: secondPoolOf(backend) })).toBe('first'),
    undo: (driver, at, backend) =>
      driver.migrateVolume({ ...source(backend), pool: secondPoolOf(backend) }, backend.pools[0], at),
  },
  {
    name: 'managing a volume',
    needs: 'manages',
    prepare: withSource,
    call: (driver, at, backend) => driver.manageVolume(target(backend, 2), source(backend).name, at),
    objectsAfter: (backend) => [foundVolume(target(backend, 2))],
    // What is managed may get its full length before it gets its name.
    objectsBetween: (backend) => [foundVolume({ ...source(backend), sizeGiB: 2 })],
    mayEndLate: true,
    checkContent: async (backend) => expect(await markOf(backend, target(backend, 2))).toBe('first'),
  },
];

export const scenariosFor = (abilities: Abilities): readonly Scenario[] =>
  SCENARIOS.filter(({ needs }) => needs === undefined || abilities[needs]);

/** Complete objects only: each is one of those from before, on the way or after the call. */
export const expectOnlyComplete = (
  found: readonly FoundObject[],
  before: readonly FoundObject[],
  scenario: Scenario,
  backend: BackendUnderTest,
): void => {
  const allowed = [...before, ...scenario.objectsAfter(backend), ...(scenario.objectsBetween?.(backend) ?? [])];
  for (const object of found) expect(allowed).toContainEqual(object);
};
