import {
  accepted,
  amounts,
  isOver,
  live,
  type Model,
  NOT_FOUND,
  OVER_QUOTA,
  PROJECTS,
  type Project,
  refused,
  type Snapshot,
  snapshotsOf,
  type Transfer,
  type Type,
  type Verdict,
  type Volume,
  visible,
  WRONG_STATE,
} from './model.ts';

export function createSnapshot(model: Model, volume: Volume | null, project: Project, name: string | null): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  if (!seen.placed || !['available', 'in-use'].includes(seen.status)) return WRONG_STATE;
  if (isOver(model, project, amounts(seen.type, { snapshots: 1, gigabytes: seen.size }), null)) return OVER_QUOTA;
  return accepted(({ snapshot }) => {
    model.snapshots.push({ id: snapshot.id, volume: seen, project, size: seen.size, name, gone: false });
  });
}

export function deleteSnapshot(snapshot: Snapshot | null, project: Project): Verdict {
  const seen = visible(snapshot, project);
  if (seen === null) return NOT_FOUND;
  return accepted(() => {
    seen.gone = true;
  });
}

const moving = (model: Model, { volume, noSnapshots }: Pick<Transfer, 'volume' | 'noSnapshots'>): Snapshot[] =>
  noSnapshots ? [] : snapshotsOf(model, volume).filter(({ project }) => project === volume.project);

export function createTransfer(model: Model, volume: Volume | null, project: Project, noSnapshots: boolean): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  if (seen.status !== 'available' || seen.offer !== null) return WRONG_STATE;
  return accepted(({ transfer }) => {
    const offer = { id: transfer.id, key: transfer.auth_key, volume: seen, donor: project, noSnapshots, gone: false };
    model.transfers.push(offer);
    seen.offer = offer;
    seen.status = 'awaiting-transfer';
  });
}

export function acceptTransfer(model: Model, transfer: Transfer | null, project: Project, key: string): Verdict {
  if (transfer === null || transfer.gone) return NOT_FOUND;
  const { volume } = transfer;
  if (key !== transfer.key || volume.status !== 'awaiting-transfer') return WRONG_STATE;
  const snapshots = moving(model, transfer);
  const gigabytes = volume.size + snapshots.reduce((sum, { size }) => sum + size, 0);
  const wanted = { volumes: 1, gigabytes, ...(snapshots.length > 0 ? { snapshots: snapshots.length } : {}) };
  if (isOver(model, project, amounts(volume.type, wanted), volume.size)) return OVER_QUOTA;
  return accepted(() => {
    for (const snapshot of snapshots) snapshot.project = project;
    volume.project = project;
    volume.status = 'available';
    volume.offer = null;
    transfer.gone = true;
  });
}

export function deleteTransfer(transfer: Transfer | null, project: Project): Verdict {
  if (transfer === null || transfer.gone || transfer.donor !== project) return NOT_FOUND;
  return accepted(() => {
    transfer.gone = true;
    transfer.volume.offer = null;
    if (transfer.volume.status === 'awaiting-transfer') transfer.volume.status = 'available';
  });
}

export function createType(model: Model, name: string, kind: Type['kind']): Verdict {
  if (live(model.types).some((type) => type.name === name)) return refused(409);
  return accepted(({ volume_type: { id } }) => {
    model.types.push({ id, name, kind, gone: false });
    // limits are kept by the id of a type: those of one that had this name before are not the new one's
    for (const project of PROJECTS) {
      for (const key of ['volumes', 'snapshots', 'gigabytes']) delete model.limits[project][`${key}_${name}`];
    }
  }, 200);
}

export function deleteType(model: Model, type: Type | null): Verdict {
  if (type === null || type.gone) return NOT_FOUND;
  const used = type === model.types[0] || live(model.volumes).some((volume) => volume.type === type);
  if (used) return refused(400);
  return accepted(() => {
    type.gone = true;
  });
}
