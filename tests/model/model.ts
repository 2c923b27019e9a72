/**
 * The reference: what a client of the API may expect of volumes, snapshots, quota and transfers once everything has come
 * to rest, written from the contract (states.json, quota.md, errors.md) and docs/differences.md, without a line of the
 * server's. Every function answers the status of a request, and what it changes when it is accepted.
 */
export type Project = 'a' | 'b';
export const PROJECTS: readonly Project[] = ['a', 'b'];

export interface Type {
  readonly name: string;
  id: string;
  readonly kind: 'plain' | 'multiattach' | 'unplaceable';
  gone: boolean;
}

export interface Attachment {
  readonly instance: string;
  readonly mode: 'rw' | 'ro';
}

export interface Volume {
  id: string;
  project: Project;
  type: Type;
  size: number;
  name: string | null;
  metadata: Record<string, string>;
  status: string;
  /** False where no backend would have it. */
  placed: boolean;
  bootable: boolean;
  readonly: boolean | null;
  attachments: Attachment[];
  isAttached: boolean;
  attachedMode: 'rw' | 'ro' | null;
  offer: Transfer | null;
  /** Its source was let go of before it was certainly read: it may end in error. */
  mayFail: boolean;
  /** Id of the volume or snapshot it was made from. */
  readonly source: string | null;
  createdAt: string;
  gone: boolean;
}

export interface Snapshot {
  id: string;
  readonly volume: Volume;
  project: Project;
  readonly size: number;
  readonly name: string | null;
  gone: boolean;
}

export interface Transfer {
  id: string;
  key: string;
  readonly volume: Volume;
  readonly donor: Project;
  readonly noSnapshots: boolean;
  gone: boolean;
}

export interface Model {
  /** Everything there ever was, in order; the first type is the default one. */
  readonly volumes: Volume[];
  readonly snapshots: Snapshot[];
  readonly transfers: Transfer[];
  readonly types: Type[];
  /** What projects have of their own, and what applies where they have none. */
  readonly limits: Record<Project, Record<string, number>>;
  readonly defaults: Readonly<Record<string, number>>;
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
export type Apply = (json: any) => void;
export interface Verdict {
  readonly status: number;
  readonly apply?: Apply;
}

export const refused = (status: number): Verdict => ({ status });
export const accepted = (apply: Apply, status = 202): Verdict => ({ status, apply });
export const NOT_FOUND = refused(404);
export const WRONG_STATE = refused(400);
export const OVER_QUOTA = refused(413);

export const live = <T extends { readonly gone: boolean }>(items: readonly T[]): T[] =>
  items.filter(({ gone }) => !gone);
export const snapshotsOf = (model: Model, volume: Volume): Snapshot[] =>
  live(model.snapshots).filter((snapshot) => snapshot.volume === volume);

type Amounts = Readonly<Record<string, number>>;

/** What something of a type counts: for the project, and again for the type. */
export const amounts = (type: Type, of: Amounts): Amounts =>
  Object.fromEntries(
    Object.entries(of).flatMap(([key, n]) => [
      [key, n],
      [`${key}_${type.name}`, n],
    ]),
  );

/** What is used is the sum of what lives; an error stays charged (contract/quota.md). */
export function usageOf(model: Model, project: Project): Record<string, number> {
  const usage: Record<string, number> = {};
  const add = (of: Amounts): void => {
    for (const [key, n] of Object.entries(of)) usage[key] = (usage[key] ?? 0) + n;
  };
  for (const volume of live(model.volumes)) {
    if (volume.project === project) add(amounts(volume.type, { volumes: 1, gigabytes: volume.size }));
  }
  for (const { project: owner, size, volume } of live(model.snapshots)) {
    if (owner === project) add(amounts(volume.type, { snapshots: 1, gigabytes: size }));
  }
  return usage;
}

export const limitOf = ({ limits, defaults }: Model, project: Project, key: string): number =>
  limits[project][key] ?? defaults[key] ?? -1;

/** Whether this much more is over any limit; `volumeSize`: of one volume, where that is limited. */
export function isOver(model: Model, project: Project, wanted: Amounts, volumeSize: number | null): boolean {
  const usage = usageOf(model, project);
  const perVolume = limitOf(model, project, 'per_volume_gigabytes');
  if (volumeSize !== null && perVolume >= 0 && volumeSize > perVolume) return true;
  return Object.entries(wanted).some(([key, n]) => {
    const limit = limitOf(model, project, key);
    return limit >= 0 && (usage[key] ?? 0) + n > limit;
  });
}

export function setLimit(model: Model, project: Project, key: string, limit: number): Verdict {
  const own = model.limits[project];
  if (limit >= 0 && own[key] !== undefined && limit < (usageOf(model, project)[key] ?? 0)) return refused(400);
  return accepted(() => {
    own[key] = limit;
  }, 200);
}

export const dropLimits = (model: Model, project: Project): Verdict =>
  accepted(() => {
    model.limits[project] = {};
  }, 200);

/** What a project may see of a volume or snapshot: its own. */
export const visible = <T extends { readonly project: Project; readonly gone: boolean }>(
  thing: T | null,
  project: Project,
): T | null => (thing !== null && !thing.gone && thing.project === project ? thing : null);

export const byAttachments = ({ attachments }: Volume): string => (attachments.length > 0 ? 'in-use' : 'available');
