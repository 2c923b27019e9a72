import {
  accepted,
  amounts,
  byAttachments,
  isOver,
  live,
  type Model,
  NOT_FOUND,
  OVER_QUOTA,
  type Project,
  refused,
  type Snapshot,
  snapshotsOf,
  type Verdict,
  type Volume,
  visible,
  WRONG_STATE,
} from './model.ts';

/** The most that fits on the backend, in GiB. */
export const MAX_PLACED_GIB = 1_000;

export interface Creation {
  readonly project: Project;
  readonly size: number | null;
  readonly name: string | null;
  readonly metadata: Record<string, string>;
  /** By its name: another one may have it by now. */
  readonly type: string | null;
  readonly source: { readonly volume: Volume | null } | { readonly snapshot: Snapshot | null } | null;
}

export function createVolume(model: Model, creation: Creation): Verdict {
  const { project, name, metadata, source } = creation;
  let type = creation.type === null ? model.types[0] : live(model.types).find((one) => one.name === creation.type);
  let least = 1;
  let sourceId: string | null = null;
  let bootable = false;
  if (source !== null) {
    const snapshot = 'snapshot' in source ? visible(source.snapshot, project) : null;
    const of = snapshot?.volume ?? ('volume' in source ? visible(source.volume, project) : null);
    if (of === null) return NOT_FOUND;
    // as long as it has data it may be read; snapshots here are always available
    if (snapshot === null && (!['available', 'in-use'].includes(of.status) || !of.placed)) return WRONG_STATE;
    least = snapshot?.size ?? of.size;
    sourceId = snapshot?.id ?? of.id;
    bootable = of.bootable;
    type = of.type;
  }
  const size = creation.size ?? (source === null ? null : least);
  if (size === null || size < least) return refused(400);
  if (type === undefined) return NOT_FOUND;
  if (isOver(model, project, amounts(type, { volumes: 1, gigabytes: size }), size)) return OVER_QUOTA;
  const placed = type.kind !== 'unplaceable' && size <= MAX_PLACED_GIB;
  const made: Volume = {
    id: '',
    project,
    type,
    size,
    name,
    metadata: { ...metadata },
    status: placed ? 'available' : 'error',
    placed,
    bootable,
    readonly: null,
    attachments: [],
    isAttached: false,
    attachedMode: null,
    offer: null,
    mayFail: false,
    source: sourceId,
    createdAt: '',
    gone: false,
  };
  return accepted(({ volume }) => {
    made.id = volume.id;
    made.createdAt = volume.created_at;
    model.volumes.push(made);
  });
}

export interface Deletion {
  readonly project: Project;
  readonly cascade: boolean;
  /** Only an administrator may; he sees the volumes of every project. */
  readonly force: boolean;
}

const DELETABLE = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing'];

export function deleteVolume(model: Model, volume: Volume | null, { project, cascade, force }: Deletion): Verdict {
  const seen = force && volume !== null && !volume.gone ? volume : visible(volume, project);
  if (seen === null) return NOT_FOUND;
  const snapshots = snapshotsOf(model, seen);
  const foreign = !force && cascade && snapshots.some((snapshot) => snapshot.project !== project);
  const busy = !force && !DELETABLE.includes(seen.status);
  const hindered = busy || seen.isAttached || (snapshots.length > 0 && !cascade) || foreign;
  if (seen.placed && hindered) return WRONG_STATE;
  return accepted(() => {
    seen.gone = true;
    for (const snapshot of snapshots) snapshot.gone = true;
    if (seen.offer !== null) seen.offer.gone = true;
  });
}

export function extendVolume(model: Model, volume: Volume | null, project: Project, size: number): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  if (size <= seen.size || !['available', 'in-use'].includes(seen.status) || !seen.placed) return WRONG_STATE;
  if (isOver(model, project, amounts(seen.type, { gigabytes: size - seen.size }), size)) return OVER_QUOTA;
  return accepted(() => {
    // what the backend has no room for is refused later: the volume stays as it was
    if (size <= MAX_PLACED_GIB) seen.size = size;
    seen.status = byAttachments(seen);
  });
}

export function revertVolume(
  model: Model,
  volume: Volume | null,
  project: Project,
  snapshot: Snapshot | null,
): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  const newest = snapshotsOf(model, seen).at(-1);
  if (newest === undefined || newest !== snapshot || newest.size !== seen.size) return refused(400);
  return seen.status === 'available' ? accepted(() => undefined) : refused(409);
}

export function renameVolume(volume: Volume | null, project: Project, name: string | null): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  if (seen.status === 'maintenance') return WRONG_STATE;
  return accepted(() => {
    seen.name = name;
  }, 200);
}

export function setMetadata(
  volume: Volume | null,
  project: Project,
  pairs: Readonly<Record<string, string>>,
  replace: boolean,
): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  if (seen.status === 'maintenance') return WRONG_STATE;
  return accepted(() => {
    seen.metadata = replace ? { ...pairs } : { ...seen.metadata, ...pairs };
  }, 200);
}

export function deleteMetadata(volume: Volume | null, project: Project, key: string): Verdict {
  const seen = visible(volume, project);
  if (seen === null || !Object.hasOwn(seen.metadata, key)) return NOT_FOUND;
  if (seen.status === 'maintenance') return WRONG_STATE;
  return accepted(() => {
    delete seen.metadata[key];
  }, 200);
}

export function setFlag(
  volume: Volume | null,
  project: Project,
  flag: 'bootable' | 'readonly',
  value: boolean,
): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  const allowed = flag === 'readonly' ? seen.status === 'available' : seen.status !== 'maintenance';
  if (!allowed) return WRONG_STATE;
  return accepted(
    () => {
      seen[flag] = value;
    },
    flag === 'bootable' ? 200 : 202,
  );
}
