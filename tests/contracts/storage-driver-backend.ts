import { BYTES_PER_GIB } from '../../src/domain/kernel/units.ts';
import type {
  BackendSnapshot,
  BackendVolume,
  CallContext,
  FoundObject,
  StorageDriver,
} from '../../src/drivers/storage/driver.ts';

/**
 * How a faulty driver goes wrong at one external effect: its process dies there, that effect fails and later ones work, or
 * it sleeps while something else happens and then goes on.
 */
export type Fault = 'dies' | 'fails' | (() => Promise<void>);

export interface FaultyDriver {
  readonly driver: StorageDriver;
  /** Whether the effect was reached: false means that the call was through before. */
  reached(): boolean;
}

/** One fresh backend, set up, of which no token has taken over yet. */
export interface BackendUnderTest {
  readonly driver: StorageDriver;
  /** Pools of the backend; the suite moves volumes where there are two. */
  readonly pools: readonly [string, ...string[]];
  /** Another driver over the same backend: a restarted process, or a rival worker. */
  another(): StorageDriver;
  /** A driver over the same backend that goes wrong in place of its n-th external effect (from 0); needed for `faults`. */
  faulty?(atEffect: number, fault: Fault): FaultyDriver;
  writeAt(volume: BackendVolume, offset: number, bytes: Uint8Array): Promise<void>;
  readAt(volume: BackendVolume, offset: number, length: number): Promise<Uint8Array>;
  /** Puts a volume on the backend that Scoria did not make, under this name; needed for `manages`. */
  putForeign?(pool: string, name: string, sizeBytes: number): Promise<void>;
  /** What lies on the backend incomplete, or was moved away to be deleted: names for people, none when all is well. */
  unfinished(): Promise<readonly string[]>;
  cleanup(): Promise<void>;
}

export type MakeBackend = () => Promise<BackendUnderTest>;

/** What not every driver can; the suite leaves out what is false. */
export interface Abilities {
  /** `faulty` is there: the suite kills the driver between every two external effects. */
  readonly faults: boolean;
  /** As the driver's `canFence` says: calls of an older token fail. */
  readonly fences: boolean;
  readonly reverts: boolean;
  readonly manages: boolean;
  /** Moves volumes between pools of the backend. */
  readonly moves: boolean;
}

export const ALL_ABILITIES: Abilities = { faults: true, fences: true, reverts: true, manages: true, moves: true };

/** The token that the suite works with unless a test says otherwise. */
export const TOKEN = 7n;

export const withToken = (fencingToken: bigint, signal: AbortSignal = new AbortController().signal): CallContext => ({
  fencingToken,
  signal,
});

export const context = withToken(TOKEN);

/** A backend on which `TOKEN` has taken over, cleaned up after. */
export async function withBackend(
  makeBackend: MakeBackend,
  test: (backend: BackendUnderTest) => Promise<void>,
): Promise<void> {
  const backend = await makeBackend();
  try {
    await backend.driver.takeOver(context);
    await test(backend);
  } finally {
    await backend.cleanup();
  }
}

export const volumeNamed = (backend: BackendUnderTest, id: string, sizeGiB = 1): BackendVolume => ({
  id,
  name: `volume-${id}`,
  sizeGiB,
  pool: backend.pools[0],
});

export const snapshotOf = (volume: BackendVolume, id: string): BackendSnapshot => ({
  id,
  name: `snapshot-${id}`,
  volumeName: volume.name,
  sizeGiB: volume.sizeGiB,
  pool: volume.pool,
});

export const foundVolume = ({ name, pool, sizeGiB }: BackendVolume): FoundObject => ({
  kind: 'volume',
  name,
  pool,
  sizeBytes: sizeGiB * BYTES_PER_GIB,
});

export const foundSnapshot = ({ name, pool, sizeGiB }: BackendSnapshot): FoundObject => ({
  kind: 'snapshot',
  name,
  pool,
  sizeBytes: sizeGiB * BYTES_PER_GIB,
});

const orderOf = ({ kind, pool, name }: FoundObject): string => `${kind} ${pool} ${name}`;

export const inOrder = (objects: readonly FoundObject[]): readonly FoundObject[] =>
  objects.toSorted((a, b) => orderOf(a).localeCompare(orderOf(b)));

export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export const listed = async (driver: StorageDriver): Promise<readonly FoundObject[]> =>
  inOrder(await collect(driver.list()));

/** Where the suite marks volumes: in the middle, off every block boundary. */
export const MIDDLE = BYTES_PER_GIB / 2 + 12_345;

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const mark = (backend: BackendUnderTest, volume: BackendVolume, text: string, offset = MIDDLE): Promise<void> =>
  backend.writeAt(volume, offset, bytesOf(text));

/** The marked text (five letters) of a volume; zeros read as dots. */
export const markOf = async (backend: BackendUnderTest, volume: BackendVolume, offset = MIDDLE): Promise<string> =>
  new TextDecoder().decode(await backend.readAt(volume, offset, 5)).replaceAll('\0', '.');

/** A stream of the given pieces. */
export async function* streamOf(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}
