import { reject } from '../domain/kernel/rejection.ts';
import type { GiB } from '../domain/kernel/units.ts';
import { zonesForCreate } from '../domain/placement/zones.ts';
import type { VolumeEventOf, VolumeSource } from '../domain/volume/events.ts';
import type { LiveVolume } from '../domain/volume/state.ts';
import {
  defaultTypeFor,
  typeById,
  typeByName,
  type VolumeType,
  type VolumeTypes,
} from '../domain/volume-types/index.ts';
import { type CommandDependencies, isAdmin, loadVolume } from './dependencies.ts';
import type { CommandContext, Rejected } from './handle.ts';
import { VOLUME_TYPES_STREAM, volumeTypesAggregate } from './streams.ts';

/** What a client asks for when it creates a volume; `null`: not given. */
export interface CreateVolumeInput {
  readonly name: string | null;
  readonly description: string | null;
  /** Without it the volume gets its source's size. */
  readonly sizeGiB: GiB | null;
  /** Name or id. */
  readonly volumeType: string | null;
  readonly source:
    | { readonly kind: 'empty' }
    | { readonly kind: 'volume'; readonly volumeId: string }
    | { readonly kind: 'snapshot'; readonly snapshotId: string; readonly volumeId: string };
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly schedulerHints: Readonly<Record<string, unknown>>;
}

type Request = VolumeEventOf<'VolumeCreationRequested'>['data'];
type Deps = Pick<CommandDependencies, 'handler' | 'defaults' | 'volumeServices'>;

/** A source that may be read: the volume it is, or is a snapshot of, and what the new volume takes over from it. */
interface Readable {
  readonly source: Exclude<VolumeSource, { kind: 'empty' }>;
  readonly of: LiveVolume;
}

type Checked<T> = { readonly kind: 'fine'; readonly value: T } | Rejected;

const fine = <T>(value: T): Checked<T> => ({ kind: 'fine', value });

const refuse = (...args: Parameters<typeof reject>): Rejected => ({ kind: 'rejected', rejection: reject(...args) });

/**
 * Checks a request against the streams of what it names and completes it (contract/sagas.md §1.1 and §1.2, scheduler.md
 * §8). What may change before the volume is built is looked at again by the operation, which pins the source.
 */
export async function requestOf(
  deps: Deps,
  input: CreateVolumeInput,
  ids: { readonly volumeId: string; readonly operationId: string },
  context: CommandContext,
): Promise<Checked<Request>> {
  const found = await readableSource(deps, input.source);
  if (found.kind === 'rejected') return found;
  const readable = found.value;
  const size = sizeOf(input, readable);
  if (size.kind === 'rejected') return size;
  const sizeGiB = size.value;
  const services = await deps.volumeServices();
  const { state: types } = await deps.handler.load(volumeTypesAggregate, VOLUME_TYPES_STREAM);
  const chosen = typeOf(types, input, readable, services.length, context);
  if (chosen.kind === 'rejected') return chosen;
  const type = chosen.value;
  const misfit = misfitOf(sizeGiB, type);
  if (misfit !== null) return misfit;
  const options = deps.defaults.zones();
  const zones = zonesForCreate(
    {
      extraSpecs: type.extraSpecs,
      liveZones: services.map((service) => service.availabilityZone),
      groupZone: null,
      requestedZone: input.availabilityZone,
      source: readable === null ? null : { kind: readable.source.kind, zone: readable.of.availabilityZone },
    },
    options,
  );
  if (zones.kind === 'refused') return { kind: 'rejected', rejection: zones.rejection };
  const { projectId, userId } = context.actor;
  return fine({
    ...ids,
    projectId,
    userId,
    name: input.name,
    description: input.description,
    sizeGiB,
    volumeTypeId: type.id,
    volumeType: { name: type.name, extraSpecs: { ...type.extraSpecs } },
    source: readable?.source ?? { kind: 'empty' },
    availabilityZones: [...new Set(zones.zones)],
    availabilityZone: zones.zones[0] ?? options.storageAvailabilityZone,
    metadata: { ...input.metadata },
    multiattach: type.extraSpecs.multiattach === '<is> True',
    bootable: readable?.of.bootable ?? false,
    imageMetadata: { ...readable?.of.imageMetadata },
    schedulerHints: { ...input.schedulerHints },
  });
}

async function readableSource(deps: Deps, asked: CreateVolumeInput['source']): Promise<Checked<Readable | null>> {
  if (asked.kind === 'empty') return fine(null);
  if (asked.kind === 'volume') {
    const { volume } = await loadVolume(deps, asked.volumeId);
    return volume === null ? refuse('VolumeNotFound', { id: asked.volumeId }) : readableVolume(volume);
  }
  const { snapshotId, volumeId } = asked;
  const { volume } = await loadVolume(deps, volumeId);
  return volume === null ? refuse('SnapshotNotFound', { id: snapshotId }) : readableSnapshot(volume, snapshotId);
}

function readableVolume(volume: LiveVolume): Checked<Readable> {
  const { id: volumeId, status, sizeGiB, pool, backendName } = volume;
  if (status !== 'available' && status !== 'in-use') {
    const reason =
      'Unable to create a volume from an originating source volume when its status is not one of ' +
      `('available', 'in-use') values: volume ${volumeId} is ${status}.`;
    return refuse('InvalidVolume', { reason });
  }
  if (pool === null || backendName === null)
    return refuse('InvalidVolume', { reason: `volume ${volumeId} has no data` });
  return fine({ source: { kind: 'volume', volumeId, sizeGiB, pool, backendName }, of: volume });
}

function readableSnapshot(volume: LiveVolume, snapshotId: string): Checked<Readable> {
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return refuse('SnapshotNotFound', { id: snapshotId });
  const { status, sizeGiB, backendName } = snapshot;
  if (status !== 'available') {
    const reason = `Originating snapshot status must be one of available values: it is ${status}.`;
    return refuse('InvalidSnapshot', { reason });
  }
  const { id: volumeId, pool } = volume;
  if (pool === null || backendName === null) {
    return refuse('InvalidSnapshot', { reason: `snapshot ${snapshotId} has no data` });
  }
  return fine({ source: { kind: 'snapshot', snapshotId, volumeId, sizeGiB, pool, backendName }, of: volume });
}

function sizeOf({ sizeGiB }: CreateVolumeInput, readable: Readable | null): Checked<GiB> {
  const least = readable?.source.sizeGiB ?? 1;
  const size = sizeGiB ?? readable?.source.sizeGiB ?? null;
  if (size === null)
    return refuse('InvalidInput', { reason: "Volume size 'None' must be an integer and greater than 0" });
  if (size >= least) return fine(size);
  const reason =
    readable?.source.kind === 'snapshot'
      ? `Volume size '${size}'GB cannot be smaller than the snapshot size ${least}GB. They must be >= original snapshot size.`
      : `Volume size '${size}'GB cannot be smaller than original volume size ${least}GB. They must be >= original volume size.`;
  return refuse('InvalidInput', { reason });
}

/** Given, the source's, the project's default or the default of all; a private type is there for administrators only. */
function typeOf(
  types: VolumeTypes,
  { volumeType: asked }: CreateVolumeInput,
  readable: Readable | null,
  volumeServices: number,
  context: CommandContext,
): Checked<VolumeType> {
  if (asked === null) {
    const type = readable === null ? defaultTypeFor(types, context.actor.projectId) : typeOfSource(types, readable);
    return type === null ? refuse('InvalidVolumeType', { reason: 'there is no default volume type' }) : fine(type);
  }
  const type = typeById(types, asked) ?? typeByName(types, asked);
  if (type === null || (!type.isPublic && !isAdmin(context))) return refuse('VolumeTypeNotFound', { id: asked });
  if (readable === null || mayReplace(typeOfSource(types, readable), type, volumeServices)) return fine(type);
  const advice = readable.source.kind === 'volume' ? 'either match source volume, or omit' : 'recommend omitting the';
  const reason = `Invalid volume_type provided: ${asked} (requested type is not compatible; ${advice} type argument).`;
  return refuse('InvalidInput', { reason });
}

/** As it is now, or as it was when the source was made where it is gone. */
const typeOfSource = (types: VolumeTypes, { of }: Readable): VolumeType =>
  typeById(types, of.volumeTypeId) ?? {
    id: of.volumeTypeId,
    name: of.volumeTypeId,
    description: null,
    isPublic: true,
    extraSpecs: of.extraSpecs,
  };

/** Another type than the source's must lead to the same backend (contract/sagas.md §1.1). */
function mayReplace(source: VolumeType, asked: VolumeType, volumeServices: number): boolean {
  if (source.id === asked.id || volumeServices === 1) return true;
  const backend = source.extraSpecs.volume_backend_name;
  return backend !== undefined && backend === asked.extraSpecs.volume_backend_name;
}

/** A size that a type's extra spec names, in GiB; null where it names none that can be read. */
export function sizeLimitOf(
  extraSpecs: Readonly<Record<string, string>>,
  key: 'provisioning:min_vol_size' | 'provisioning:max_vol_size',
): GiB | null {
  const value = extraSpecs[key];
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : null;
}

function misfitOf(sizeGiB: GiB, { name, extraSpecs }: VolumeType): Rejected | null {
  const min = sizeLimitOf(extraSpecs, 'provisioning:min_vol_size');
  const max = sizeLimitOf(extraSpecs, 'provisioning:max_vol_size');
  const asked = `Specified volume size of '${sizeGiB}' is`;
  if (min !== null && sizeGiB < min) {
    const reason = `${asked} less than the minimum required size of '${min}' for volume type '${name}'.`;
    return refuse('InvalidInput', { reason });
  }
  if (max !== null && sizeGiB > max) {
    const reason = `${asked} greater than the maximum allowable size of '${max}' for volume type '${name}'.`;
    return refuse('InvalidInput', { reason });
  }
  return null;
}
