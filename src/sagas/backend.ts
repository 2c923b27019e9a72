import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import type { GiB } from '../domain/kernel/units.ts';
import type { LiveVolume } from '../domain/volume/state.ts';
import type { BackendVolume, CallContext } from '../drivers/storage/driver.ts';
import { type StepContext, StepError } from './operation.ts';
import type { BackendWorker } from './services.ts';

/** Name of the pool within its backend: `host@backend#pool` gives `pool`. */
export const poolNameOf = (pool: string): string => pool.slice(pool.indexOf('#') + 1);

/** `host@backend#pool` gives `host@backend`. */
export const backendHostOf = (pool: string): string => pool.split('#', 1)[0] ?? pool;

export const backendVolumeOf = (volume: {
  readonly id: string;
  readonly name: string;
  readonly sizeGiB: GiB;
  readonly pool: string;
}): BackendVolume => ({ ...volume, pool: poolNameOf(volume.pool) });

/** The worker of this process that holds the backend of a pool, with what its driver's calls carry. */
export function workerFor(context: StepContext, pool: string): BackendWorker & { readonly context: CallContext } {
  const worker = context.services.backends.forPool(pool);
  if (worker === null) {
    const message = `no worker holds the backend of ${pool}`;
    throw new StepError({ code: 'BackendUnavailable', message }, 'here', { patient: true });
  }
  return { ...worker, context: worker.call(context.signal) };
}

/** The volume as its stream has it now; a volume that never was is a programming error. */
export async function loadVolume(context: Pick<StepContext, 'services'>, volumeId: string): Promise<LiveVolume> {
  const { state } = await context.services.handler.load(volumeAggregate, volumeStream(volumeId));
  if (state.volume === null)
    throw new StepError({ code: 'VolumeNotFound', message: `volume ${volumeId} was never created` }, 'never');
  return state.volume;
}

/**
 * The volume, while this operation still owns it (`snapshotId`: owns that snapshot of it). One that was parked may have
 * lost it to whoever found it in error, and must not touch the backend again.
 */
export async function loadOwned(
  context: StepContext<{ readonly volumeId: string; readonly operationId: string }>,
  snapshotId: string | null = null,
): Promise<LiveVolume> {
  const { volumeId, operationId } = context.operation.input;
  const volume = await loadVolume(context, volumeId);
  const { owner } = snapshotId === null ? volume : (volume.snapshots[snapshotId] ?? { owner: null });
  if (owner?.operationId !== operationId) throw notOwner(operationId, snapshotId === null ? 'volume' : 'snapshot');
  return volume;
}

/** Another operation, or an administrator, has taken the resource over: what this one did must be undone. */
export const notOwner = (operationId: string, what: 'volume' | 'snapshot'): StepError =>
  new StepError({ code: 'NotOwner', message: `operation ${operationId} no longer owns the ${what}` }, 'never');
