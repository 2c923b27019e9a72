import type { GiB } from '../../domain/kernel/units.ts';

/**
 * The port of storage drivers. Every call is idempotent: run again after a crash it ends in the same place, and
 * discards what an earlier run left incomplete. An object bears its final name only when it is complete.
 */

/** How one call is fenced and stopped. A call whose signal aborts ends as soon as it can, leaving nothing half named. */
export interface CallContext {
  /** Token of the backend's lease: work of an older token is removed by a take-over. */
  readonly fencingToken: bigint;
  readonly signal: AbortSignal;
}

/** A volume as the backend knows it. `name` is data from the log (by default `volume-<id>`). */
export interface BackendVolume {
  readonly id: string;
  readonly name: string;
  readonly sizeGiB: GiB;
  /** Name of the pool within the backend. */
  readonly pool: string;
}

export interface BackendSnapshot {
  readonly id: string;
  /** By default `snapshot-<id>`. */
  readonly name: string;
  readonly volumeName: string;
  /** Size of the volume when it was taken. */
  readonly sizeGiB: GiB;
  readonly pool: string;
}

/** What a finished object is called and what the driver wants remembered of it. */
export interface BackendObject {
  readonly backendName: string;
  readonly providerId: string | null;
}

/** Figures of one pool (contract/scheduler.md §2). */
export interface PoolStats {
  readonly pool: string;
  readonly totalCapacityGiB: number | 'infinite' | 'unknown';
  readonly freeCapacityGiB: number | 'infinite' | 'unknown';
  readonly reservedPercentage: number;
  readonly thinProvisioning: boolean;
  readonly thickProvisioning: boolean;
  /** `auto`, or a ratio of at least 1. */
  readonly maxOverSubscriptionRatio: number | 'auto';
  readonly multiattach: boolean;
  /** More that extra specs may ask for. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly filterFunction: string | null;
  readonly goodnessFunction: string | null;
}

export interface BackendStats {
  readonly backendName: string;
  readonly vendorName: string;
  readonly driverVersion: string;
  readonly storageProtocol: string;
  readonly pools: readonly PoolStats[];
}

/** The host that wants to use a volume, as os-brick describes it. */
export interface Connector {
  readonly host?: string;
  readonly ip?: string;
  readonly initiator?: string;
  readonly [property: string]: unknown;
}

/** What os-brick needs to connect: its kind and the data of that kind. */
export interface ConnectionInfo {
  readonly driver_volume_type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An object that lies on the backend: for drift detection and for managing what exists already. */
export interface FoundObject {
  readonly kind: 'volume' | 'snapshot';
  readonly name: string;
  readonly pool: string;
  readonly sizeBytes: number;
}

/**
 * `retryable`: the same call may succeed later or elsewhere. `busy`: the object is in use on the backend. `fenced`: the
 * caller's token is older than another owner's, to whom the work now belongs: record nothing, neither success nor failure.
 * A call whose signal aborted rejects with the signal's reason instead.
 */
export class DriverError extends Error {
  readonly retryable: boolean;
  readonly busy: boolean;
  readonly fenced: boolean;

  constructor(
    message: string,
    options: { retryable?: boolean; busy?: boolean; fenced?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DriverError';
    this.retryable = options.retryable ?? false;
    this.busy = options.busy ?? false;
    this.fenced = options.fenced ?? false;
  }
}

/** One configured backend. Sizes are GiB, streams are raw bytes of the whole device. */
export interface StorageDriver {
  /** Whether a call of an older fencing token can be made to fail; where not, a take-over waits for the old owner. */
  readonly canFence: boolean;

  /** Prepares the backend and checks that it is usable; throws DriverError that says what is wrong. */
  setUp(): Promise<void>;
  /**
   * Makes every call of an older token fail from now on, and removes what such calls left incomplete. Called once for
   * each new token before any other call of it: a call whose token never took over is fenced. Fails itself, fenced, where
   * a newer token has taken over.
   */
  takeOver(context: CallContext): Promise<void>;
  stats(): Promise<BackendStats>;

  createVolume(volume: BackendVolume, context: CallContext): Promise<BackendObject>;
  /** The new volume may be larger than the snapshot; it grows within the driver. */
  createVolumeFromSnapshot(
    volume: BackendVolume,
    snapshot: BackendSnapshot,
    context: CallContext,
  ): Promise<BackendObject>;
  createClonedVolume(volume: BackendVolume, source: BackendVolume, context: CallContext): Promise<BackendObject>;
  /** Gone already is success. */
  deleteVolume(volume: BackendVolume, context: CallContext): Promise<void>;
  /** Done already where it is larger than recorded: an extension that was stopped may have got so far. Never shrinks. */
  extendVolume(volume: BackendVolume, newSizeGiB: GiB, context: CallContext): Promise<void>;
  createSnapshot(snapshot: BackendSnapshot, context: CallContext): Promise<BackendObject>;
  deleteSnapshot(snapshot: BackendSnapshot, context: CallContext): Promise<void>;
  revertToSnapshot(volume: BackendVolume, snapshot: BackendSnapshot, context: CallContext): Promise<void>;

  createExport(volume: BackendVolume, context: CallContext): Promise<void>;
  /** Makes exports again after a restart. */
  ensureExport(volume: BackendVolume, context: CallContext): Promise<void>;
  removeExport(volume: BackendVolume, context: CallContext): Promise<void>;
  initializeConnection(volume: BackendVolume, connector: Connector, context: CallContext): Promise<ConnectionInfo>;
  /** `connector` null: every connection of the volume. */
  terminateConnection(volume: BackendVolume, connector: Connector | null, context: CallContext): Promise<void>;
  attachVolume(
    volume: BackendVolume,
    instanceId: string | null,
    hostName: string | null,
    mountpoint: string,
  ): Promise<void>;
  detachVolume(volume: BackendVolume, attachmentId: string): Promise<void>;

  /** Writes an image over the volume. */
  copyImageToVolume(volume: BackendVolume, image: AsyncIterable<Uint8Array>, context: CallContext): Promise<void>;
  copyVolumeToImage(volume: BackendVolume, context: CallContext): AsyncIterable<Uint8Array>;
  /** Makes the volume from an image that lies where the backend can reach it; null where it cannot. */
  cloneImage(volume: BackendVolume, imageLocation: string, context: CallContext): Promise<BackendObject | null>;
  backupVolume(volume: BackendVolume, context: CallContext): AsyncIterable<Uint8Array>;
  restoreBackup(volume: BackendVolume, backup: AsyncIterable<Uint8Array>, context: CallContext): Promise<void>;

  /** Moves the volume to another pool of this backend; null where the driver cannot and the data must be copied. */
  migrateVolume(volume: BackendVolume, toPool: string, context: CallContext): Promise<BackendObject | null>;
  /** Whether the volume could be made to fit the new type where it is. */
  retypeVolume(
    volume: BackendVolume,
    extraSpecs: Readonly<Record<string, string>>,
    context: CallContext,
  ): Promise<boolean>;
  /** Takes an object that exists under Scoria's name; the size comes from manageVolumeSize. */
  manageVolume(volume: BackendVolume, existingName: string, context: CallContext): Promise<BackendObject>;
  /** Size in GiB, rounded up, of an object that exists. */
  manageVolumeSize(existingName: string, pool: string): Promise<GiB>;
  unmanageVolume(volume: BackendVolume, context: CallContext): Promise<void>;
  list(): AsyncIterable<FoundObject>;
}
