import fc from 'fast-check';
import { type Snapshot, snapshotsOf, type Volume } from './model.ts';
import { createSnapshot, deleteSnapshot } from './other-rules.ts';
import {
  actor,
  idOf,
  index,
  name,
  on,
  type Plan,
  pairs,
  pick,
  project,
  s,
  short,
  size,
  some,
  v,
  who,
} from './planned.ts';
import {
  createVolume,
  deleteMetadata,
  deleteVolume,
  extendVolume,
  renameVolume,
  revertVolume,
  setFlag,
  setMetadata,
} from './volume-rules.ts';

const empty = fc
  .record({
    project,
    name,
    pairs,
    size: fc.oneof({ weight: 9, arbitrary: size }, { weight: 1, arbitrary: fc.constant(9_000) }),
    type: fc.option(index),
    short,
  })
  .map(
    ({ project, name, pairs: metadata, size, type: n, short }): Plan =>
      (model) => {
        const type = n === null ? null : pick(model.types, n);
        const volume = { size, name, metadata, ...(type === null ? {} : { volume_type: type.name }) };
        return {
          shown: `${project} creates ${size} GiB${type === null ? '' : ` of type ${type.name}`}`,
          ask: { method: 'POST', path: '/volumes', body: { volume }, project, short },
          verdict: createVolume(model, { project, size, name, metadata, type: type?.name ?? null, source: null }),
          on: model.types.filter((one) => one.name === type?.name),
          starts: true,
          counts: true,
        };
      },
  );

const fromSource = fc.record({ who, n: index, fromSnapshot: fc.boolean(), size: fc.option(size), short }).map(
  ({ who, n, fromSnapshot, size, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const snapshot = pick(model.snapshots, n);
      const project = actor(who, fromSnapshot ? snapshot : volume);
      const source = fromSnapshot ? { snapshot } : { volume };
      const body = {
        ...(fromSnapshot ? { snapshot_id: idOf(snapshot) } : { source_volid: idOf(volume) }),
        ...(size === null ? {} : { size }),
      };
      return {
        shown: `${project} creates ${size ?? 'as many'} GiB from ${fromSnapshot ? s(model, snapshot) : v(model, volume)}`,
        ask: { method: 'POST', path: '/volumes', body: { volume: body }, project, short },
        verdict: createVolume(model, { project, size, name: null, metadata: {}, type: null, source }),
        on: fromSnapshot ? [...some<Snapshot | Volume>(snapshot), ...some(snapshot?.volume ?? null)] : some(volume),
        starts: true,
        counts: true,
      };
    },
);

const remove = fc
  .record({ who, n: index, cascade: fc.boolean(), force: fc.constantFrom(false, false, true), short })
  .map(
    ({ who, n, cascade, force, short }): Plan =>
      (model) => {
        const volume = pick(model.volumes, n);
        const project = actor(who, volume);
        const snapshots = volume === null ? [] : snapshotsOf(model, volume);
        const query = new URLSearchParams({
          ...(cascade ? { cascade: 'true' } : {}),
          ...(force ? { force: 'true' } : {}),
        });
        return {
          shown: `${project} deletes ${v(model, volume)}${cascade ? ', snapshots too' : ''}${force ? ', by force' : ''}`,
          ask: { method: 'DELETE', path: `/volumes/${idOf(volume)}?${query}`, project, admin: force, short },
          verdict: deleteVolume(model, volume, { project, cascade, force }),
          on: [...some<Volume | Snapshot>(volume), ...snapshots],
          starts: true,
          ends: [...some<Volume | Snapshot>(volume), ...snapshots],
          harmless: true,
        };
      },
  );

const extend = fc.record({ who, n: index, size: fc.constantFrom(2, 3, 4, 6, 9_000), short }).map(
  ({ who, n, size, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      return {
        shown: `${project} extends ${v(model, volume)} to ${size} GiB`,
        ask: on(volume, { 'os-extend': { new_size: size } }, { project, short }),
        verdict: extendVolume(model, volume, project, size),
        on: some(volume),
        starts: true,
        counts: true,
      };
    },
);

const takeSnapshot = fc.record({ who, n: index, name, short }).map(
  ({ who, n, name, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      const snapshot = { volume_id: idOf(volume), name };
      return {
        shown: `${project} takes a snapshot of ${v(model, volume)}`,
        ask: { method: 'POST', path: '/snapshots', body: { snapshot }, project, short },
        verdict: createSnapshot(model, volume, project, name),
        on: some(volume),
        starts: true,
        counts: true,
      };
    },
);

const removeSnapshot = fc.record({ who, n: index, short }).map(
  ({ who, n, short }): Plan =>
    (model) => {
      const snapshot = pick(model.snapshots, n);
      const project = actor(who, snapshot);
      return {
        shown: `${project} deletes ${s(model, snapshot)}`,
        ask: { method: 'DELETE', path: `/snapshots/${idOf(snapshot)}`, project, short },
        verdict: deleteSnapshot(snapshot, project),
        on: [...some<Snapshot | Volume>(snapshot), ...some(snapshot?.volume ?? null)],
        starts: true,
        ends: some(snapshot),
        harmless: true,
      };
    },
);

const revert = fc.record({ who, n: index, latest: fc.constantFrom(true, true, false), short }).map(
  ({ who, n, latest, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      const newest = volume === null ? null : (snapshotsOf(model, volume).at(-1) ?? null);
      const snapshot = latest ? newest : pick(model.snapshots, n);
      return {
        shown: `${project} reverts ${v(model, volume)} to ${s(model, snapshot)}`,
        ask: on(volume, { revert: { snapshot_id: idOf(snapshot) } }, { project, short }),
        verdict: revertVolume(model, volume, project, snapshot),
        on: [...some<Volume | Snapshot>(volume, snapshot)],
        starts: true,
        ends: some(volume),
      };
    },
);

const rename = fc.record({ who, n: index, name, short }).map(
  ({ who, n, name, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      return {
        shown: `${project} calls ${v(model, volume)} ${name}`,
        ask: { method: 'PUT', path: `/volumes/${idOf(volume)}`, body: { volume: { name } }, project, short },
        verdict: renameVolume(volume, project, name),
        on: some(volume),
        harmless: true,
      };
    },
);

const writeMetadata = fc.record({ who, n: index, pairs, replace: fc.boolean(), short }).map(
  ({ who, n, pairs: metadata, replace, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      const path = `/volumes/${idOf(volume)}/metadata`;
      return {
        shown: `${project} ${replace ? 'replaces' : 'adds to'} the metadata of ${v(model, volume)} by ${JSON.stringify(metadata)}`,
        ask: { method: replace ? 'PUT' : 'POST', path, body: { metadata }, project, short },
        verdict: setMetadata(volume, project, metadata, replace),
        on: some(volume),
        harmless: true,
      };
    },
);

const removeMetadata = fc.record({ who, n: index, key: fc.constantFrom('k1', 'k2', 'constructor'), short }).map(
  ({ who, n, key, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      return {
        shown: `${project} deletes metadata ${key} of ${v(model, volume)}`,
        ask: { method: 'DELETE', path: `/volumes/${idOf(volume)}/metadata/${key}`, project, short },
        verdict: deleteMetadata(volume, project, key),
        on: some(volume),
        harmless: true,
      };
    },
);

const flag = fc
  .record({
    who,
    n: index,
    which: fc.constantFrom('bootable' as const, 'readonly' as const),
    value: fc.boolean(),
    short,
  })
  .map(
    ({ who, n, which, value, short }): Plan =>
      (model) => {
        const volume = pick(model.volumes, n);
        const project = actor(who, volume);
        const action =
          which === 'bootable'
            ? { 'os-set_bootable': { bootable: value } }
            : { 'os-update_readonly_flag': { readonly: value } };
        return {
          shown: `${project} sets ${which} of ${v(model, volume)} to ${value}`,
          ask: on(volume, action, { project, short }),
          verdict: setFlag(volume, project, which, value),
          on: some(volume),
          harmless: true,
        };
      },
  );

/** Requests that change volumes and snapshots; what is there more than once comes more often. */
export const volumeCommands: readonly fc.Arbitrary<Plan>[] = [
  empty,
  empty,
  empty,
  fromSource,
  fromSource,
  remove,
  extend,
  takeSnapshot,
  takeSnapshot,
  removeSnapshot,
  revert,
  rename,
  writeMetadata,
  removeMetadata,
  flag,
];
