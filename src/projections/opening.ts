import type { EventStore } from '../ports/event-store.ts';
import type { Checkpoint, ReadStore } from '../ports/read-store.ts';
import type { Projection } from './projection.ts';
import { firstVersionOf, isInLog, liveVersionOf, shapeOf } from './versions.ts';

/** What the live version of a collection is good for at the start. */
export type Opened =
  | { readonly kind: 'follow'; readonly version: number; readonly checkpoint: Checkpoint | null }
  /** It cannot be gone on with, and why; `mend`: a rebuild helps. */
  | { readonly kind: 'distrusted'; readonly reason: string; readonly mend: boolean };

/**
 * Opens a collection's live version, made where there is none. Its shape must be the code's, and the log must still
 * have the event of its checkpoint. One that nothing was written to has no indexes yet: filled from nothing, it gets
 * them afterwards, in one go and many times faster.
 */
export async function openCollection(
  stores: { readonly eventStore: EventStore; readonly readStore: ReadStore },
  { collection }: Projection,
): Promise<Opened> {
  const { eventStore, readStore } = stores;
  const { name } = collection;
  const live = await liveVersionOf(readStore, name);
  const version = live ?? firstVersionOf(collection);
  const shape = shapeOf(version);
  if (shape > collection.version) {
    return { kind: 'distrusted', reason: `its documents are of shape ${shape}, made by a newer build`, mend: false };
  }
  if (shape < collection.version) {
    return { kind: 'distrusted', reason: `its documents are of the older shape ${shape}`, mend: true };
  }
  const checkpoint = live === null ? null : await readStore.checkpoint(name, version);
  if (checkpoint !== null && !(await isInLog(eventStore, checkpoint))) {
    const reason = `its checkpoint at position ${checkpoint.position} is not in the log: it is ahead of it`;
    return { kind: 'distrusted', reason, mend: true };
  }
  await readStore.ensure({ ...collection, version, indexesLater: checkpoint === null });
  return { kind: 'follow', version, checkpoint };
}
